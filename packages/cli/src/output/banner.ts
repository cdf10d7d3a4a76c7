import { paint } from './paint.ts';
import { redact } from './redact.ts';

/** What a worker says of itself when it starts. */
export interface BannerFacts {
  readonly version: string;
  readonly app: string;
  /** The app's module. */
  readonly module: string;
  readonly broker: string;
  readonly backend: string | undefined;
  readonly queues: readonly string[];
  /** Tasks of the app whose queues it does not consume. */
  readonly unconsumed: readonly { readonly task: string; readonly queue: string }[];
  readonly slots: number;
  /** With --autoscale: how many there may be. */
  readonly mostSlots?: number;
  /** With --processes: how many there are. */
  readonly processes?: number;
  /** Where tasks run. */
  readonly pool: string;
  readonly tasks: readonly string[];
  readonly inProcess: boolean;
}

const shownTasks = 30;

/** The banner, for people. */
export function formatBanner(facts: BannerFacts): string {
  const { version, app, module, broker, backend, queues, inProcess } = facts;
  const rows: [string, string][] = [
    ['app', module],
    ['broker', inProcess ? `${broker}  (only this process can send it tasks)` : broker],
    ['backend', backend ?? "the broker's"],
    ['queues', `${queues.join(', ')}  ×${describeSlots(facts)}`],
    ['tasks', listTasks(facts)],
  ];
  const title = `${paint('bold', `lovage ${version}`)}  ${app}  ·  node ${process.versions.node}  ·  pid ${process.pid}`;
  return redact([title, ...rows.map(([name, text]) => ` ${paint('dim', name.padEnd(8))} ${text}`), ''].join('\n'));
}

/** The banner as fields of a log line, for machines. */
export function bannerFields(facts: BannerFacts): Readonly<Record<string, unknown>> {
  const { version, app, module, broker, backend, queues, slots, mostSlots, processes, pool, tasks } = facts;
  return {
    version,
    app,
    module,
    node: process.versions.node,
    broker,
    backend,
    queues,
    slots,
    mostSlots,
    processes,
    pool,
    tasks: tasks.slice(0, shownTasks),
  };
}

function describeSlots({ slots, mostSlots, processes, pool }: BannerFacts): string {
  const range = mostSlots === undefined ? String(slots) : `${slots}–${mostSlots}`;
  const own = pool === 'async' ? range : `${range} ${pool}`;
  return processes === undefined ? own : `${own}  in each of ${processes} processes`;
}

/** A task that waits in a queue of which this worker takes nothing says so. */
function listTasks({ tasks, unconsumed }: BannerFacts): string {
  const elsewhere = new Map(unconsumed.map(({ task, queue }) => [task, queue]));
  const names = tasks.map((name) => {
    const queue = elsewhere.get(name);
    return queue === undefined ? name : `${name}  (in queue ${queue}, not consumed here)`;
  });
  if (names.length === 0) return 'none: every message would wait as of an unknown task';
  const more = names.length - shownTasks;
  return [...names.slice(0, shownTasks), ...(more > 0 ? [`and ${more} more`] : [])].join(`\n${' '.repeat(10)}`);
}
