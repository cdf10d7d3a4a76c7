import { type Command, type CommandFamily, textOption } from '../command.ts';

const commands: readonly Command[] = [
  {
    usage: 'list',
    describe: 'Print the durable subscriptions of every app on the broker',
    examples: [['$0 topics list', 'group, pattern, task and queue']],
    run: async (given) => (await import('../actions/topics.ts')).listGroups(given),
  },
  {
    usage: 'remove <group>',
    describe: 'Delete a durable subscription that no code declares any more',
    positionals: { group: { type: 'string', describe: "The group's name" } },
    examples: [['$0 topics remove billing', 'its waiting tasks stay']],
    run: async (given) => (await import('../actions/topics.ts')).removeGroup(given),
  },
  {
    usage: 'publish <topic> [payload]',
    describe: 'Publish a message',
    positionals: {
      topic: { type: 'string', describe: 'Such as order.created' },
      payload: { type: 'string', describe: 'JSON, or text (default: null)' },
    },
    options: { id: textOption('An id of your own: published twice, each durable subscriber is sent one task') },
    examples: [['$0 topics publish order.created \'{"id":"o1"}\'', 'prints its id and the groups it was sent to']],
    run: async (given) => (await import('../actions/topics.ts')).publish(given),
  },
  {
    usage: 'listen [pattern]',
    describe: 'Print what is published, as it comes, until Ctrl-C',
    positionals: { pattern: { type: 'string', describe: "A topic, or a pattern such as 'order.*' (default: *)" } },
    options: { count: textOption('End after so many') },
    examples: [["$0 topics listen 'order.*' --json", 'a JSON object a line']],
    run: async (given) => (await import('../actions/topics.ts')).listen(given),
  },
];

/** `lovage topics`. */
export const topicsFamily: CommandFamily = {
  usage: 'topics <command>',
  describe: 'Publish to topics, listen to them, manage durable subscriptions',
  commands,
};
