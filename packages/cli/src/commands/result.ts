import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage result`. */
export const resultCommand: Command = {
  usage: 'result <id>',
  describe: "Print a task's state, and its value or error",
  positionals: { id: { type: 'string', describe: "The task's id" } },
  options: {
    wait: switchOption('Wait until the task has ended; exit 1 if it did not succeed'),
    follow: switchOption('Wait, and print each state and progress on the way', { alias: 'f' }),
    timeout: textOption('Wait at most this long (exit 124)'),
  },
  examples: [
    ['$0 result 0198c2b0-…', 'PENDING for an unknown id'],
    ['$0 result 0198c2b0-… --timeout 30s --json', 'wait, then print an object'],
  ],
  run: async (given) => (await import('../actions/show-result.ts')).showResult(given),
};
