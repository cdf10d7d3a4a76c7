import { type Command, type CommandFamily, switchOption, textOption } from '../../command.ts';

const filters = {
  queues: textOption('Only of these queues, separated by commas', { alias: 'Q' }),
  task: textOption("Only of this task: a name, or a glob such as 'mail.*'"),
  reason: textOption('Only with this reason, such as UnknownTaskError; a name or a glob'),
  tag: textOption("Only with this tag, or a glob such as 'customer:*'"),
  'older-than': textOption('Only parked longer ago than that, such as 7d'),
  'newer-than': textOption('Only parked within that time, such as 1h'),
};
const ids = { ids: { type: 'string', array: true, describe: 'Ids of parked tasks (default: all that fit)' } } as const;
const force = switchOption('Do not ask', { alias: 'f' });

const commands: readonly Command[] = [
  {
    usage: 'list',
    describe: 'Print the dead letters, newest first',
    options: { ...filters, limit: textOption('At most so many (default: 100)') },
    examples: [
      ['$0 dlq list', 'of every queue'],
      ["$0 dlq list --task 'mail.*' --newer-than 1h --json", 'as JSON, without the messages'],
    ],
    run: async (given) => (await import('../../actions/queues/show-dead-letters.ts')).listDeadLetters(given),
  },
  {
    usage: 'show <id>',
    describe: "Print a task's dead letter: why, when, and the message as it came",
    positionals: { id: { type: 'string', describe: "The task's id" } },
    examples: [['$0 dlq show 0198c2b0-…', 'the original message is the last line']],
    run: async (given) => (await import('../../actions/queues/show-dead-letters.ts')).showDeadLetter(given),
  },
  {
    usage: 'replay [ids..]',
    describe: 'Send dead letters again, each as a new task, oldest first',
    positionals: ids,
    options: {
      ...filters,
      limit: textOption('At most so many'),
      args: textOption('Other arguments for all of them, as a JSON list: \'[1,"a"]\''),
      to: textOption('Another queue'),
      rate: textOption('No faster than that: 10/s, 100/m'),
      'dry-run': switchOption('Only print what would be sent'),
      force,
    },
    examples: [
      ['$0 dlq replay 0198c2b0-…', 'one task'],
      ["$0 dlq replay --task 'mail.*' --rate 10/s --force", 'all of them, slowly'],
      ['$0 dlq replay --reason UnknownTaskError --dry-run', 'look first'],
    ],
    run: async (given) => (await import('../../actions/queues/replay-dead-letters.ts')).replayDeadLetters(given),
  },
  {
    usage: 'purge [ids..]',
    describe: 'Delete dead letters for good',
    positionals: ids,
    options: { ...filters, 'dry-run': switchOption('Only print how many would be deleted'), force },
    examples: [['$0 dlq purge --older-than 7d --force', 'for scripts']],
    run: async (given) => (await import('../../actions/queues/purge-dead-letters.ts')).purgeDeadLetters(given),
  },
];

/** `lovage dlq`. */
export const dlqFamily: CommandFamily = {
  usage: 'dlq <command>',
  describe: 'Dead letters, messages that could not be run: list, show, replay, purge',
  commands,
};
