import { type Command, type CommandFamily, textOption } from '../../command.ts';

const queue = { type: 'string', describe: 'The queue' } as const;

const show: Command = {
  usage: 'queues [names..]',
  describe: 'Print the message counts of each queue; pause, resume or peek into one',
  positionals: { names: { type: 'string', array: true, describe: 'Only these' } },
  options: {
    watch: { type: 'string', alias: 'w', describe: 'Again and again, every so often (2s), until Ctrl-C' },
  },
  examples: [
    ['$0 queues --watch', 'a new table every 2 s'],
    ['$0 queues', 'every queue of the broker'],
    ['$0 queues billing --json', 'one queue, as JSON'],
  ],
  run: async (given) => (await import('../../actions/queues/show-queues.ts')).showQueues(given),
};

const commands: readonly Command[] = [
  {
    usage: 'pause <queue>',
    describe: 'Let no worker begin a task of a queue until it is resumed',
    positionals: { queue },
    examples: [['$0 queues pause billing', 'tasks are accepted and wait; what runs goes on']],
    run: async (given) => (await import('../../actions/queues/pause-queue.ts')).pauseQueue(given),
  },
  {
    usage: 'resume <queue>',
    describe: 'Let a paused queue go on',
    positionals: { queue },
    examples: [['$0 queues resume billing', 'its workers begin at once']],
    run: async (given) => (await import('../../actions/queues/pause-queue.ts')).resumeQueue(given),
  },
  {
    usage: 'adopt <queue>',
    describe: "Make another program's queue Lovage's",
    positionals: { queue },
    options: { force: { type: 'boolean', describe: 'Do not ask' } },
    examples: [['$0 queues adopt mail', 'the BullMQ app has ended, and its jobs were imported']],
    run: async (given) => (await import('../../actions/queues/adopt-queue.ts')).adoptQueue(given),
  },
  {
    usage: 'peek <queue>',
    describe: 'Print the next tasks of a queue without taking them',
    positionals: { queue },
    options: { count: textOption('How many at most', { alias: 'n', default: '10' }) },
    examples: [['$0 queues peek billing -n 3', 'the next three, with their arguments']],
    run: async (given) => (await import('../../actions/queues/peek-queue.ts')).peekQueue(given),
  },
];

/** `lovage queues`. */
export const queuesFamily: CommandFamily = { usage: show.usage, describe: show.describe, commands, alone: show };
