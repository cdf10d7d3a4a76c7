import { type Command, textOption } from '../../command.ts';

/** `lovage broadcast`. */
export const broadcastCommand: Command = {
  usage: 'broadcast <task> [args..]',
  describe: 'Run a task once on every worker of a broadcast queue, and print what each answered',
  positionals: {
    task: { type: 'string', describe: "The task's name" },
    args: { type: 'string', array: true, describe: 'Its arguments: JSON, or text' },
  },
  options: {
    queue: textOption('One of conf.broadcastQueues (default: the only one)', { alias: 'Q' }),
    timeout: textOption('How long answers are waited for (default: 10s)'),
  },
  examples: [['$0 broadcast cache.clear -Q cache-fanout', 'exit 1 when one of them failed']],
  run: async (given) => (await import('../../actions/workers/broadcast.ts')).broadcast(given),
};
