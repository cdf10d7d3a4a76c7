import { type Command, switchOption } from '../command.ts';

/** `lovage config`. */
export const configCommand: Command = {
  usage: 'config',
  describe: 'Print every setting; durations are milliseconds, sizes bytes',
  options: { explain: switchOption('Where each value came from, and the variable that sets it') },
  examples: [
    ['$0 config --explain', 'flag, environment, config file, constructor or default'],
    ['$0 config -A ./tasks.ts --json', 'as the app in ./tasks.ts sees them'],
  ],
  run: async (given) => (await import('../actions/show-config.ts')).showConfig(given),
};
