import { type Command, switchOption, textOption } from '../command.ts';

/** `lovage schedule`. */
export const scheduleCommand: Command = {
  usage: 'schedule <action> [name] [args..]',
  describe: 'List periodic entries, and change them while beat runs',
  positionals: {
    action: {
      type: 'string',
      choices: ['list', 'show', 'next', 'add', 'pause', 'resume', 'run', 'remove'],
      describe: 'What to do',
    },
    name: { type: 'string', describe: "The entry's name; not for list" },
    args: { type: 'string', array: true, describe: 'For add: the task and its arguments' },
  },
  options: {
    every: textOption('add: an interval, as in 30s'),
    cron: textOption('add: a crontab line, as in "0 3 * * 1-5"'),
    at: textOption('add: one moment, an ISO time with an offset'),
    tz: textOption('add: the time zone of --cron (default: UTC)'),
    'catch-up': textOption('add: missed slots: skip, once, or how many of them (default: once)'),
    overlap: textOption('add: while the run before goes on: skip, queue or allow (default: allow)'),
    jitter: textOption('add: delay each run by up to that long'),
    start: textOption('add: no slot before this moment, an ISO time with an offset'),
    end: textOption('add: no slot at or after this moment'),
    replace: switchOption('add: in place of one that was added before'),
    count: textOption('next: how many slots (default: 5)'),
  },
  examples: [
    ['$0 schedule list', 'all entries with their last and next slot'],
    ['$0 schedule pause nightly', 'until resume, also over releases'],
    ['$0 schedule add ping math.add 2 3 --every 30s', 'an entry that no code declares'],
    ['$0 schedule next nightly --count 3', 'the next three slots'],
  ],
  run: async (given) => (await import('../actions/schedule.ts')).schedule(given),
};
