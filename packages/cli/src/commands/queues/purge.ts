import { type Command, switchOption } from '../../command.ts';

/** `lovage purge`. */
export const purgeCommand: Command = {
  usage: 'purge <queue>',
  describe: 'Delete the waiting messages of a queue; their results end REVOKED',
  positionals: { queue: { type: 'string', describe: "The queue's name" } },
  options: { force: switchOption('Do not ask', { alias: 'f' }) },
  examples: [
    ['$0 purge billing', 'asks first'],
    ['$0 purge billing --force', 'for scripts'],
  ],
  run: async (given) => (await import('../../actions/queues/purge-queue.ts')).purgeQueue(given),
};
