import type { FailureGroup, Lovage } from '@lovage/core';
import {
  type GrowingQueue,
  type Health,
  Inspector,
  judgeHealth,
  type QueueCounts,
  type SilentWorker,
  type TaskStats,
  taskStats,
  type WorkerReport,
} from '@lovage/core/inspect';

/** How often it looks while someone watches, in milliseconds. */
const interval = 2_000;
/** How long workers may take to answer. */
const answerTime = 600;
/** A look that is younger is given to the next who asks. */
const freshFor = 1_000;
/** A worker that has been silent for longer is gone. */
const forgottenAfter = 600_000;
const silentAfter = 5_000;
/** Between which two looks a queue is seen to grow, in milliseconds. */
const growth = { least: 8_000, most: 60_000, count: 20, share: 1.2 };
/** Points of a queue's line. */
const mostPoints = 90;

/** Counts of a queue with the age of its oldest message, in milliseconds, and the rate at which it is run, a second. */
export interface SampledQueue extends QueueCounts {
  readonly oldest: number | undefined;
  /** Attempts that ended a second, over the last looks; undefined at the first. */
  readonly rate: number | undefined;
  /** How many waited at the last looks, the oldest first. */
  readonly line: readonly number[];
}

/** Something that changed between two looks. */
export interface Change {
  /** Epoch ms. */
  readonly at: number;
  readonly text: string;
}

/** One look at a system. */
export interface Sample {
  /** Epoch ms. */
  readonly at: number;
  readonly app: string;
  readonly health: Health;
  readonly queues: readonly SampledQueue[];
  readonly workers: readonly WorkerReport[];
  readonly tasks: readonly TaskStats[];
  readonly failures: readonly FailureGroup[];
  /** Of the last hour, as far as somebody watched, the latest first. */
  readonly changes: readonly Change[];
}

interface Point {
  readonly at: number;
  readonly waiting: number;
  readonly ended: number;
}

interface Seen {
  report: WorkerReport;
  at: number;
}

/** Looks at an app for all who watch: one look every two seconds, however many they are, and none while nobody does. */
export class Sampler {
  readonly #app: Lovage;
  readonly #inspector: Inspector;
  readonly #watchers = new Set<(sample: Sample) => void>();
  readonly #lines = new Map<string, Point[]>();
  readonly #seen = new Map<string, Seen>();
  readonly #changes: Change[] = [];
  #latest: Sample | undefined;
  #looking: Promise<Sample> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(app: Lovage) {
    this.#app = app;
    this.#inspector = new Inspector(app);
  }

  /** A look, at most a second old. Throws what the stores throw. */
  look(): Promise<Sample> {
    if (this.#latest !== undefined && Date.now() - this.#latest.at < freshFor) return Promise.resolve(this.#latest);
    this.#looking ??= this.#take().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Calls `listener` with each look, from the next on. Returns how to stop. */
  watch(listener: (sample: Sample) => void): () => void {
    this.#watchers.add(listener);
    this.#timer ??= setInterval(() => void this.#tell(), interval).unref();
    return () => {
      this.#watchers.delete(listener);
      if (this.#watchers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** A worker that was told to end is not stuck when it does. */
  expectEnd(worker: string): void {
    this.#seen.delete(worker);
  }

  async #tell(): Promise<void> {
    const sample = await this.look().catch(() => undefined); // the pages see that nothing comes, and ask
    if (sample) for (const listener of this.#watchers) listener(sample);
  }

  async #take(): Promise<Sample> {
    const [status, tasks, failures] = await Promise.all([
      this.#inspector.status({ timeout: answerTime }),
      taskStats(this.#app),
      this.#app.failures.groups().catch(() => []), // no history is kept
    ]);
    const { workers } = status;
    const ages = await this.#inspector.oldest(status.queues.map(({ queue }) => queue));
    const at = Date.now();
    this.#noteChanges(at, status.queues);
    const queues = status.queues.map((counts, index) => this.#measure(at, counts, ages[index], workers));
    const silent = this.#silent(at, workers, status.queues);
    const growing = queues.flatMap((counts) => this.#growth(counts));
    const health = judgeHealth({ queues, workers, tasks, silent, growing });
    this.#noteHealth(at, health);
    const changes = this.#changes.filter((change) => change.at > at - 3_600_000).reverse();
    this.#latest = { at, app: this.#app.name, health, queues, workers, tasks, failures, changes };
    return this.#latest;
  }

  #measure(
    at: number,
    counts: QueueCounts,
    oldest: number | undefined,
    workers: readonly WorkerReport[],
  ): SampledQueue {
    const { queue, waiting } = counts;
    const ended = workers.reduce((sum, { load }) => sum + (load[queue]?.ended ?? 0), 0);
    const line = this.#lines.get(queue) ?? [];
    this.#lines.set(queue, line);
    line.push({ at, waiting, ended });
    if (line.length > mostPoints) line.shift();
    const before = line.findLast((point) => at - point.at >= 4_000) ?? line[0];
    const passed = before === undefined ? 0 : (at - before.at) / 1_000;
    const rate = before === undefined || passed < 1 ? undefined : Math.max(0, ended - before.ended) / passed;
    return { ...counts, oldest, rate, line: line.map((point) => point.waiting) };
  }

  /** More than a fifth, and more than a few, over the last seconds, without a look that had fewer in between. */
  #growth({ queue, waiting, paused }: SampledQueue): readonly GrowingQueue[] {
    const line = this.#lines.get(queue) ?? [];
    const now = line.at(-1)?.at ?? 0;
    const window = line.filter(({ at }) => now - at <= growth.most);
    const [first] = window;
    if (paused || first === undefined || now - first.at < growth.least) return [];
    const lowest = window.reduce((low, point) => (point.waiting <= low.waiting ? point : low), first);
    const more = waiting - lowest.waiting;
    const over = now - lowest.at;
    if (over < growth.least || more < growth.count || waiting < lowest.waiting * growth.share) return [];
    return [{ queue, waiting, more, over }];
  }

  /** Silent ones whose messages are still out: who ends in an orderly way gives its messages back first. */
  #silent(at: number, workers: readonly WorkerReport[], queues: readonly QueueCounts[]): readonly SilentWorker[] {
    for (const report of workers) {
      if (!this.#seen.has(report.name)) this.#note(at, `Worker ${report.name} is there.`);
      this.#seen.set(report.name, { report, at });
    }
    const here = new Set(workers.map(({ name }) => name));
    const found: SilentWorker[] = [];
    for (const [name, { report, at: seenAt }] of this.#seen) {
      if (here.has(name)) continue;
      const silentFor = at - seenAt;
      const out = report.queues.some((name) => {
        const held = workers.flatMap(({ running }) => running).filter(({ queue }) => queue === name).length;
        return (queues.find(({ queue }) => queue === name)?.running ?? 0) > held;
      });
      if (silentFor > forgottenAfter || (silentFor > silentAfter && !out)) {
        this.#seen.delete(name);
        this.#note(at, `Worker ${name} has gone.`);
      } else if (silentFor > silentAfter)
        found.push({ name, silentFor, tasks: report.running.map(({ task }) => task) });
    }
    return found;
  }

  #noteChanges(at: number, queues: readonly QueueCounts[]): void {
    for (const { queue, paused } of queues) {
      const before = this.#latest?.queues.find((counts) => counts.queue === queue);
      if (before && before.paused !== paused) this.#note(at, `Queue ${queue} was ${paused ? 'paused' : 'resumed'}.`);
      if (this.#latest && !before) this.#note(at, `Queue ${queue} is new.`);
    }
  }

  #noteHealth(at: number, { level, reasons }: Health): void {
    const before = this.#latest?.health;
    const known = new Set(before?.reasons.map(({ kind, subject }) => `${kind} ${subject}`));
    for (const { kind, subject, text } of reasons) if (!known.has(`${kind} ${subject}`)) this.#note(at, text);
    if (level === 'ok' && before !== undefined && before.level !== 'ok') this.#note(at, 'All is well again.');
  }

  #note(at: number, text: string): void {
    this.#changes.push({ at, text });
    if (this.#changes.length > 200) this.#changes.shift();
  }
}
