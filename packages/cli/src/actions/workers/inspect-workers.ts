import type { Lovage } from '@lovage/core';
import { formatDuration } from '@lovage/core/driver';
import type { WorkerReport } from '@lovage/core/inspect';
import type { ExitCode } from '../../exit-code.ts';
import type { FleetArguments, FleetQuestion } from '../../options/fleet-options.ts';
import { compileTagFilter } from '../../options/tag-filter.ts';
import { formatBytes } from '../../output/format-bytes.ts';
import { printData, printNote } from '../../output/print.ts';
import { formatTable } from '../../output/table.ts';
import { type Answers, askWorkers } from './ask-workers.ts';

/** What `lovage inspect query` was given. */
export interface QueryArguments extends FleetArguments {
  readonly ids: readonly string[];
}

/** A running task as workers describe it. */
interface Running {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly runningFor: number;
  readonly tags?: readonly string[];
}

type Ask = (app: Lovage, fleet: FleetQuestion) => Promise<Answers>;
type Cells = readonly (string | number)[];

export function pingWorkers(given: FleetArguments): Promise<ExitCode> {
  return tabulate(given, (app, fleet) => app.inspect.ping(fleet), {
    heading: ['answer'],
    rows: (answer) => [[String(answer)]],
  });
}

/** What `lovage inspect active` was given. */
export interface ActiveArguments extends FleetArguments {
  readonly tag?: string;
}

/** Tasks that run, those of a tag alone where one is given. */
export function showActive(given: ActiveArguments): Promise<ExitCode> {
  const fits = compileTagFilter(given.tag);
  const ask = async (app: Lovage, fleet: FleetQuestion): Promise<Answers> => {
    const answers = await app.inspect.active(fleet);
    const fitting = Object.entries(answers).map(([worker, answer]) => {
      return [worker, Array.isArray(answer) ? answer.filter((task: Running) => fits(task?.tags)) : answer] as const;
    });
    return Object.fromEntries(fitting);
  };
  return tabulate(given, ask, { ...runningTable, none: 'nothing runs' });
}

export function showRegistered(given: FleetArguments): Promise<ExitCode> {
  return tabulate(given, (app, fleet) => app.inspect.registered(fleet), {
    heading: ['task'],
    rows: (answer) => listOf<string>(answer).map((task) => [task]),
    none: 'the workers have no tasks',
  });
}

export function showStats(given: FleetArguments): Promise<ExitCode> {
  return tabulate(given, (app, fleet) => app.inspect.stats(fleet), {
    heading: [
      'slots',
      'running',
      'done',
      'failed',
      'retried',
      'revoked',
      'memory',
      'lag',
      'clock',
      'events',
      'queues',
      'up',
    ],
    rows: (answer) => [statsOf(answer as WorkerReport)],
  });
}

export function showWorkerConf(given: FleetArguments): Promise<ExitCode> {
  return tabulate(given, (app, fleet) => app.inspect.conf(fleet), {
    heading: ['setting', 'value'],
    rows: (answer) =>
      Object.entries(answer as object).map(([setting, value]) => [
        setting,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
  });
}

/** Where tasks run; what no worker runs is said so. */
export function queryTasks(given: QueryArguments): Promise<ExitCode> {
  const missing = (answers: Answers): void => {
    const found = new Set(Object.values(answers).flatMap((answer) => listOf<Running>(answer).map(({ id }) => id)));
    for (const id of given.ids) if (!found.has(id)) printNote(`no worker runs ${id}; see lovage result ${id}`);
  };
  return tabulate(given, (app, fleet) => app.inspect.query(given.ids, fleet), { ...runningTable, after: missing });
}

const runningTable = {
  heading: ['id', 'task', 'queue', 'for', 'tags'],
  rows: (answer: unknown): readonly Cells[] =>
    listOf<Running>(answer).map(({ id, task, queue, runningFor, tags = [] }) => {
      return [id, task, queue, formatDuration(runningFor), ...(tags.length > 0 ? [tags.join(',')] : [])];
    }),
};

function statsOf({
  slots,
  running,
  counts,
  queues,
  uptime,
  events,
  rss,
  loopLag = 0,
  clockSkew = 0,
}: WorkerReport): Cells {
  const { succeeded, failed, retried, revoked } = counts;
  const ended = [succeeded, failed, retried, revoked];
  return [
    slots,
    running.length,
    ...ended,
    formatBytes(rss),
    `${loopLag}ms`,
    `${clockSkew > 0 ? '+' : ''}${clockSkew}ms`,
    events ? 'on' : 'off',
    queues.join(','),
    `${uptime}s`,
  ];
}

/** A table of what the workers answer, each row under its worker's name. */
interface Table {
  readonly heading: readonly string[];
  rows(answer: unknown): readonly Cells[];
  /** Said when there are no rows. */
  readonly none?: string;
  after?(answers: Answers): void;
}

function tabulate(given: FleetArguments, ask: Ask, { heading, rows, none, after }: Table): Promise<ExitCode> {
  const show = (answers: Answers): void => {
    const lines = Object.entries(answers).flatMap(([worker, answer]) =>
      rows(answer).map((cells) => [worker, ...cells]),
    );
    if (lines.length > 0) printData(formatTable(['worker', ...heading].slice(0, widest(lines)), lines));
    else if (none !== undefined) printNote(none);
    after?.(answers);
  };
  return askWorkers(given, { ask, show });
}

/** Columns that no row fills are left out. */
function widest(lines: readonly (readonly unknown[])[]): number {
  return Math.max(...lines.map(({ length }) => length));
}

/** Workers of other versions may answer anything. */
function listOf<T>(answer: unknown): readonly T[] {
  return Array.isArray(answer) ? (answer as readonly T[]) : [];
}
