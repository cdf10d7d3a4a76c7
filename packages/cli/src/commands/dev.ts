import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage dev`. */
export const devCommand: Command = {
  usage: 'dev',
  describe: 'Run worker, beat and dashboard for development, and start anew when a file changes',
  options: {
    queues: textOption("The queues it consumes, separated by commas (default: those of the app's tasks)", {
      alias: 'Q',
    }),
    concurrency: textOption('How many tasks it runs at once (default: 8)', { alias: 'c' }),
    port: textOption('Where the dashboard is (default: 4600), on 127.0.0.1'),
    'no-watch': switchOption('Do not start anew when a file changes'),
  },
  examples: [
    ['$0 dev', "the app of this folder, in memory: type a task's name and its arguments to run it"],
    ['$0 dev -A ./tasks.ts --broker redis://localhost:6379/0', 'on Redis: call tasks from another terminal'],
  ],
  run: async (given) => (await import('../actions/dev/run-dev.ts')).runDev(given),
};
