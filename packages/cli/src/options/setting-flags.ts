import { readDuration } from './read-duration.ts';

/** Flags that set a setting of the app, and the setting's path in core. */
const paths: Readonly<Record<string, string>> = {
  broker: 'broker',
  backend: 'backend',
  prefix: 'prefix',
  loglevel: 'logLevel',
  queues: 'worker.queues',
  concurrency: 'worker.concurrency',
  pool: 'worker.pool',
  'max-tasks-per-child': 'worker.maxTasksPerChild',
  'max-memory-per-child': 'worker.maxMemoryPerChild',
  drain: 'worker.drain',
  'lock-duration': 'worker.lockDuration',
  'stalled-interval': 'worker.stalledInterval',
  'poll-timeout': 'worker.pollTimeout',
  'max-event-loop-block': 'worker.maxEventLoopBlock',
  'time-limit-grace': 'worker.timeLimitGrace',
  'child-start-timeout': 'worker.childStartTimeout',
  'longest-block': 'worker.longestBlock', // as --max-event-loop-block was called
  'crash-budget': 'worker.crashBudget',
  'unknown-task-grace': 'worker.unknownTaskGrace',
  'socket-timeout': 'connection.socketTimeout',
};

/** Those whose value is a duration: like every flag, they need a unit. */
const durations = [
  'drain',
  'lock-duration',
  'stalled-interval',
  'poll-timeout',
  'max-event-loop-block',
  'longest-block',
  'time-limit-grace',
  'child-start-timeout',
  'unknown-task-grace',
  'socket-timeout',
] as const;

/**
 * The settings that the given flags set, by path. Several values of one flag (`-Q a -Q b`) are joined by commas. Throws a
 * usage error for a duration without a unit.
 */
export function settingsOf(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const flag of durations) {
    const value = given[flag];
    if (typeof value === 'string') readDuration(value, `--${flag}`);
  }
  const found = Object.entries(paths).flatMap(([flag, path]) => {
    const value = given[flag];
    return value === undefined ? [] : [[path, Array.isArray(value) ? value.join(',') : value] as const];
  });
  return Object.fromEntries(found);
}

/** "worker.concurrency (flag): …", as core says it, as "--concurrency: …". */
export function nameFlags(message: string): string {
  return message.replace(/^([\w.]+) \(flag\)/, (whole, path: string) => {
    const flag = Object.keys(paths).find((name) => paths[name] === path);
    return flag === undefined ? whole : `--${flag}`;
  });
}
