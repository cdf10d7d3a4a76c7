import { type Command, textOption } from '../command.ts';

/** `lovage top`. */
export const topCommand: Command = {
  usage: 'top',
  describe: 'Watch queues, tasks and workers on a full screen; pause, drain and revoke with a key',
  options: { interval: textOption('How often it looks (default: 2s)') },
  examples: [
    ['$0 top', 'tab and arrows choose, p pauses a queue, d drains a worker, r revokes a task, q ends it'],
    ['$0 top > now.txt', 'not on a terminal: one look as text'],
  ],
  run: async (given) => (await import('../actions/top/run-top.ts')).runTop(given),
};
