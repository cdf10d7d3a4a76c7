import type { Command } from '../command.ts';

/** `lovage queues`. */
export const queuesCommand: Command = {
  usage: 'queues [names..]',
  describe: 'Print how much stands in each queue',
  positionals: { names: { type: 'string', array: true, describe: 'Only these' } },
  examples: [
    ['$0 queues', 'every queue of the broker'],
    ['$0 queues billing --json', 'one queue, as JSON'],
  ],
  run: async (given) => (await import('../actions/show-queues.ts')).showQueues(given),
};
