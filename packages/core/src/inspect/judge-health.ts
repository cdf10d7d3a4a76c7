import type { QueueCounts } from '../driver/monitor.ts';
import type { WorkerReport } from '../events/worker-report.ts';
import type { TaskStats } from './task-stats.ts';

/** What is judged: one look at a system, and what earlier ones have shown. */
export interface HealthFacts {
  readonly queues: readonly (QueueCounts & { readonly oldest?: number | undefined })[];
  readonly workers: readonly WorkerReport[];
  /** Of the last minutes. */
  readonly tasks: readonly TaskStats[];
  /** Workers that answered before and do not any more, though their tasks are still taken. */
  readonly silent?: readonly SilentWorker[];
  /** Queues whose number of waiting messages rises. */
  readonly growing?: readonly GrowingQueue[];
}

/** A worker that answered before, and does not any more. */
export interface SilentWorker {
  readonly name: string;
  /** Milliseconds since its last answer. */
  readonly silentFor: number;
  /** The names of the tasks that it ran then. */
  readonly tasks: readonly string[];
}

/** A queue to which more comes than is run. */
export interface GrowingQueue {
  readonly queue: string;
  readonly waiting: number;
  /** How many more they are than before. */
  readonly more: number;
  /** Milliseconds between the two. */
  readonly over: number;
}

/** Something that is wrong, or may be. */
export interface HealthReason {
  readonly kind:
    | 'no-worker'
    | 'stuck-worker'
    | 'no-consumer'
    | 'failing-task'
    | 'growing-queue'
    | 'old-queue'
    | 'blocked-loop'
    | 'unreadable-queue'
    | 'paused-queue';
  readonly level: 'problem' | 'warning';
  /** A sentence. */
  readonly text: string;
  /** The task, queue or worker that it is about; '' for all. */
  readonly subject: string;
}

/** Whether anything is wrong. */
export interface Health {
  readonly level: 'ok' | 'warning' | 'problem';
  /** One sentence: the worst of the reasons, or that all is well. */
  readonly text: string;
  /** The worst first. */
  readonly reasons: readonly HealthReason[];
}

/** A worker that has not polled a queue for longer is stuck, in milliseconds. */
const longestUnpolled = 20_000;
/** All slots busy with the same tasks for so many times what 95 of 100 take, and for that long at least. */
const stuckFactor = 10;
const stuckAfter = 60_000;
/** A wait that is worth a line. */
const longestWait = 60_000;
const longestBlock = 1_000;
/** A task fails that failed so often, and in more than one of five attempts. */
const fewestFailures = 3;

/** Whether anything is wrong, where, and how; the worst first. */
export function judgeHealth(facts: HealthFacts): Health {
  const reasons = [
    ...(facts.workers.length === 0 && !facts.silent?.length ? [noWorker] : []),
    ...stuckWorkers(facts),
    ...unconsumed(facts),
    ...failingTasks(facts),
    ...slowQueues(facts),
    ...lesser(facts),
  ];
  const [worst] = reasons.sort((a, b) => Number(b.level === 'problem') - Number(a.level === 'problem'));
  if (worst) return { level: worst.level, text: worst.text, reasons };
  return { level: 'ok', text: allIsWell(facts), reasons };
}

const noWorker: HealthReason = {
  ...{ kind: 'no-worker', level: 'problem', subject: '' },
  text: 'No worker answers.',
};

function allIsWell({ workers }: HealthFacts): string {
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
  const busy = workers.reduce((sum, worker) => sum + worker.running.length, 0);
  return `All is well: ${busy} of ${slots} slots busy at ${workers.length} ${workers.length === 1 ? 'worker' : 'workers'}.`;
}

function stuckWorkers({ workers, tasks, silent = [] }: HealthFacts): readonly HealthReason[] {
  const usual = new Map<string, number>();
  for (const { task, runP95 = 0 } of tasks) usual.set(task, Math.max(usual.get(task) ?? 0, runP95));
  const isStuck = ({ slots, running }: WorkerReport): boolean =>
    running.length > 0 &&
    running.length >= slots &&
    running.every(({ task, runningFor }) => runningFor > Math.max(stuckAfter, stuckFactor * (usual.get(task) ?? 0)));
  const say = (subject: string, text: string): HealthReason => ({
    ...{ kind: 'stuck-worker', level: 'problem' },
    subject,
    text,
  });
  return [
    ...silent.map(({ name, silentFor, tasks: ran }) => {
      const what = ran.length === 0 ? '' : `; it ran ${[...new Set(ran)].slice(0, 3).join(', ')}`;
      return say(name, `Worker ${name} is stuck: no answer for ${sayTime(silentFor)}${what}.`);
    }),
    ...workers
      .filter(({ unpolledFor }) => unpolledFor > longestUnpolled)
      .map(({ name, unpolledFor }) =>
        say(name, `Worker ${name} is stuck: it has not polled a queue for ${sayTime(unpolledFor)}.`),
      ),
    ...workers.filter(isStuck).map(({ name, running }) => {
      const least = sayTime(Math.min(...running.map(({ runningFor }) => runningFor)));
      return say(name, `Worker ${name} is stuck: all its slots have run the same tasks for ${least} or more.`);
    }),
  ];
}

function unconsumed({ workers, queues }: HealthFacts): readonly HealthReason[] {
  if (workers.length === 0) return [];
  const consumed = new Set(workers.flatMap((worker) => worker.queues));
  return queues
    .filter(({ queue, waiting, paused }) => waiting > 0 && !paused && !consumed.has(queue))
    .map(({ queue, waiting }) => ({
      ...{ kind: 'no-consumer', level: 'problem', subject: queue },
      text: `${countOf(waiting, 'message waits', 'messages wait')} in queue ${queue}, which no worker consumes.`,
    }));
}

function failingTasks({ tasks }: HealthFacts): readonly HealthReason[] {
  const sums = new Map<string, { failed: number; all: number }>();
  for (const { task, failed, succeeded } of tasks) {
    const sum = sums.get(task) ?? { failed: 0, all: 0 };
    sums.set(task, { failed: sum.failed + failed, all: sum.all + failed + succeeded });
  }
  return [...sums]
    .filter(([, { failed, all }]) => failed >= fewestFailures && failed > all / 5)
    .sort(([, a], [, b]) => b.failed - a.failed)
    .map(([task, { failed, all }]) => ({
      ...{ kind: 'failing-task', level: 'problem', subject: task },
      text: `Task ${task} fails: ${failed} of ${all} in five minutes.`,
    }));
}

function slowQueues({ queues, growing = [] }: HealthFacts): readonly HealthReason[] {
  const grows = new Set(growing.map(({ queue }) => queue));
  const oldestOf = (name: string): number => queues.find(({ queue }) => queue === name)?.oldest ?? 0;
  return [
    ...growing.map(({ queue, waiting, more, over }): HealthReason => {
      const oldest = oldestOf(queue);
      const waits = oldest > 1_000 ? `; the oldest waits for ${sayTime(oldest)}` : '';
      const text = `Queue ${queue} grows: ${waiting} wait, ${more} more than ${sayTime(over)} ago${waits}.`;
      return { kind: 'growing-queue', level: 'problem', subject: queue, text };
    }),
    ...queues
      .filter(({ queue, oldest = 0, paused }) => oldest > longestWait && !paused && !grows.has(queue))
      .map(({ queue, oldest = 0 }): HealthReason => {
        const text = `Queue ${queue} falls behind: its oldest message waits for ${sayTime(oldest)}.`;
        return { kind: 'old-queue', level: 'problem', subject: queue, text };
      }),
  ];
}

function lesser({ queues, workers }: HealthFacts): readonly HealthReason[] {
  return [
    ...queues
      .filter(({ problem }) => problem !== undefined)
      .map(({ queue, problem }): HealthReason => {
        const text = `Queue ${queue} cannot be counted: ${problem}.`;
        return { kind: 'unreadable-queue', level: 'problem', subject: queue, text };
      }),
    ...queues
      .filter(({ paused }) => paused)
      .map(({ queue, waiting }): HealthReason => {
        const waits = waiting > 0 ? `: ${countOf(waiting, 'message waits', 'messages wait')}` : '';
        return { kind: 'paused-queue', level: 'warning', subject: queue, text: `Queue ${queue} is paused${waits}.` };
      }),
    ...workers
      .filter(({ loopLag }) => loopLag > longestBlock)
      .map(({ name, loopLag }): HealthReason => {
        const text = `The event loop of worker ${name} was blocked for ${sayTime(loopLag)}.`;
        return { kind: 'blocked-loop', level: 'warning', subject: name, text };
      }),
  ];
}

/** Two units at most: `1h 5m`, `42s`, `120ms`. */
function sayTime(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
