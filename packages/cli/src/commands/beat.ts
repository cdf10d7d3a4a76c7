import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage beat`. */
export const beatCommand: Command = {
  usage: 'beat',
  describe: 'Fire the periodic entries; run as many as you like, one leads',
  options: {
    lease: textOption('How long a leader that died is waited for (default: 15s)'),
    refresh: textOption('How often entries that were changed at run time are looked for (default: 5s)'),
    'no-elect': switchOption('Fire without asking who leads; every slot still runs once'),
    'health-port': textOption('Answer GET requests there: 200 while it is well, 503 when it is stuck'),
    loglevel: textOption('debug, info, warn, error or silent (default: info)', { alias: 'l' }),
    'log-format': textOption('pretty or json (default: pretty on a terminal)'),
    'exit-on-broker-loss': switchOption('End (69) when the broker cannot be reached at the start'),
  },
  examples: [
    ['$0 beat -A ./tasks.ts', 'fire what ./tasks.ts schedules'],
    ['$0 beat -A ./tasks.ts --lease 5s --health-port 8080', 'a quick take-over, and a probe for Kubernetes'],
  ],
  run: async (given) => (await import('../actions/run-beat.ts')).runBeat(given),
};
