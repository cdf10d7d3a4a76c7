import type { Command } from '../../command.ts';

/** `lovage ordering`. */
export const orderingCommand: Command = {
  usage: 'ordering <action> [task] [key]',
  describe: 'See which ordering keys a failed task has closed, and open them again',
  positionals: {
    action: { type: 'string', choices: ['list', 'resume'], describe: 'What to do' },
    task: { type: 'string', describe: 'resume: the name of the task' },
    key: { type: 'string', describe: 'resume: the key' },
  },
  examples: [
    ['$0 ordering list', 'closed keys, and the task that failed in each'],
    ['$0 ordering resume account.apply acc-7', 'the next call of that key runs'],
  ],
  run: async (given) => (await import('../../actions/queues/ordering.ts')).ordering(given),
};
