import { type Command, switchOption, textOption } from '../../command.ts';

/** `lovage worker`. */
export const workerCommand: Command = {
  usage: 'worker',
  describe: 'Run tasks until a signal ends it',
  options: {
    queues: textOption('The queues it consumes, separated by commas (default: default)', { alias: 'Q' }),
    concurrency: textOption('How many tasks it runs at once (default: 8)', { alias: 'c' }),
    processes: textOption('Run so many worker processes and keep them running (default: 1)'),
    pool: textOption('Where tasks run: async, threads or processes (default: async)'),
    autoscale: textOption('As max,min: its slots follow the load between them, in place of --concurrency'),
    'max-tasks-per-child': textOption('A thread or process is replaced after so many tasks (default: never)'),
    'max-memory-per-child': textOption('A process is replaced when it holds more after a task, such as 512MiB'),
    beat: switchOption('Fire the periodic entries too, as lovage beat does; one of all beats leads', { alias: 'B' }),
    events: switchOption('Send events from the start', { alias: 'E' }),
    'no-remote-control': switchOption('Obey no remote commands: no inspect, no control'),
    'allow-control': textOption('Obey only these remote commands, separated by commas, such as ping,stats'),
    'health-port': textOption('Serve /livez, /readyz, /startupz, /metrics and /scale on this port'),
    'health-host': textOption('Where to serve them (default: 127.0.0.1)'),
    name: textOption('Its name; %h is the host, %p the process id, %i the number among --processes', { alias: 'n' }),
    loglevel: textOption('debug, info, warn, error or silent (default: info)', { alias: 'l' }),
    'log-format': textOption('pretty or json (default: pretty on a terminal)'),
    drain: textOption('How long a shutdown waits for running tasks (default: 25s)'),
    'lock-duration': textOption('How long a lease lasts without renewal (default: 30s)'),
    'stalled-interval': textOption('How often tasks of lost workers are looked for (default: 10s)'),
    'poll-timeout': textOption('A queue that goes unpolled for so long counts as stuck (default: 20s)'),
    'max-event-loop-block': textOption('How long a task may block the event loop and keep its lease (default: 5m)'),
    'time-limit-grace': textOption(
      'How long after its hard limit a task may block the event loop, before exit 75 (default: 5s)',
    ),
    'child-start-timeout': textOption('How long a thread or process may take to load the app (default: 60s)'),
    'longest-block': textOption('The former name of --max-event-loop-block, accepted in this release only'),
    'crash-budget': textOption('How many more starts a task gets after its worker was lost (default: 2)'),
    'unknown-task-grace': textOption('How long messages of unknown tasks are kept (default: 10m)'),
    'socket-timeout': textOption('When a silent connection counts as dead (default: 15s)'),
    'strict-broker': switchOption('Refuse a broker that may lose accepted tasks'),
    'exit-on-broker-loss': switchOption(
      'End (69) when the broker cannot be reached at the start, instead of trying on',
    ),
  },
  examples: [
    ['$0 worker -A ./tasks.ts', 'run its tasks from the queue default, 8 at a time'],
    ['$0 worker -A ./tasks.ts -Q default,billing -c 32', 'two queues, 32 tasks at a time'],
    ['$0 worker -A ./tasks.ts --pool threads -c 4', 'four threads: tasks that compute do not hold one another up'],
    ['$0 worker -A ./tasks.ts --processes 4', 'four workers of 8 slots each, for a machine with four cores'],
    ['$0 worker -A ./tasks.ts --health-port 8080', 'for the probes of a container'],
    [
      '$0 worker --broker redis://localhost:6379/0 --log-format json',
      'the app that package.json names, logs for machines',
    ],
  ],
  run: async (given) => (await import('../../actions/workers/run-worker.ts')).runWorker(given),
};
