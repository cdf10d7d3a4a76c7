import { type Command, textOption } from '../../command.ts';

/** `lovage health`. */
export const healthCommand: Command = {
  usage: 'health',
  describe: 'Ask a worker with --health-port how it is: exit 0 when it is well, else 1',
  options: {
    port: textOption('The --health-port of the worker', { demandOption: true }),
    host: textOption('Where it listens (default: 127.0.0.1)'),
    probe: textOption('ready, live or startup (default: ready)'),
    timeout: textOption('How long it has to answer (default: 5s)', { alias: 't' }),
  },
  examples: [
    ['$0 health --port 8080', 'as the exec probe of a container'],
    ['$0 health --port 8080 --probe live', 'whether the process answers at all'],
  ],
  run: async (given) => (await import('../../actions/workers/check-health.ts')).checkHealth(given),
};
