import { type Command, textOption } from '../../command.ts';

/** `lovage status`. */
export const statusCommand: Command = {
  usage: 'status',
  describe: 'Print the workers that answer, and the queues',
  options: {
    timeout: textOption('How long workers have to answer (default: 500ms)'),
    tag: textOption("Count only running tasks with this tag, or a glob such as 'customer:*'"),
  },
  examples: [
    ['$0 status', 'workers, then queues'],
    ['$0 status --json', '{"workers":[…],"queues":[…]}'],
  ],
  run: async (given) => (await import('../../actions/workers/show-status.ts')).showStatus(given),
};
