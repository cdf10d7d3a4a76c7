import { type Command, textOption } from '../../command.ts';

/** `lovage capacity`. */
export const capacityCommand: Command = {
  usage: 'capacity <queue>',
  describe: "Measure a queue's workers, predict its waits, and count the slots for a target",
  positionals: { queue: { type: 'string', describe: 'The queue' } },
  options: {
    over: textOption('How long to measure (default: 10s)'),
    'wait-p95': textOption('The wait that 95 of 100 tasks should stay within: how many slots that takes'),
    timeout: textOption('How long to wait for workers to answer (default: 500ms)', { alias: 't' }),
  },
  examples: [
    ['$0 capacity billing', 'utilisation, and waits as predicted and measured'],
    ['$0 capacity billing --over 5m --wait-p95 2s', 'and the slots it takes to wait 2 s at most, 95 times of 100'],
  ],
  run: async (given) => (await import('../../actions/queues/show-capacity.ts')).showCapacity(given),
};
