import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { sleep } from '../clock.ts';
import { ConfigurationError, NoWorkerError } from '../errors.ts';
import type { QueueLoad, WorkerReport } from '../events/worker-report.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { waitOfBucket } from '../worker/reporting/worker-stats.ts';
import { loadOf, meanWait, slotsFor, waitQuantile } from './erlang.ts';
import { Inspector } from './inspector.ts';

/** What {@link measureCapacity} takes. */
export interface CapacityOptions {
  /** How long it measures. @default '10s' */
  readonly over?: Duration;
  /** The wait that 95 of 100 calls should stay within: how many slots that takes. @default none */
  readonly waitP95?: Duration;
  /** How long workers are waited for to answer. @default '500ms' */
  readonly timeout?: Duration;
}

/** Waits in milliseconds; undefined where there is none to tell. */
export interface Waits {
  readonly mean: number | undefined;
  readonly p95: number | undefined;
}

/** How loaded the workers of a queue are, and how many slots they need. Times in milliseconds. */
export interface Capacity {
  readonly queue: string;
  /** Every queue that shares these workers: their slots serve all of them, and the figures are of all. */
  readonly queues: readonly string[];
  readonly workers: readonly string[];
  readonly slots: number;
  /** How long was measured. */
  readonly over: number;
  /** Attempts that came, and that ended, a second. */
  readonly arrivalRate: number;
  readonly endRate: number;
  /** How long an attempt holds its slot on average; undefined while none has ended. */
  readonly serviceTime: number | undefined;
  /** The standard deviation of that over its mean; the prediction takes it for 1. */
  readonly serviceVariation: number | undefined;
  /** How many slots are needed on average (tasks that do not end count too), and which part of them: above 1 the queue grows. */
  readonly load: number | undefined;
  readonly utilisation: number | undefined;
  readonly waiting: number;
  /** By M/M/c; Infinity where the queue grows. */
  readonly predicted: Waits;
  readonly measured: Waits;
  /** The fewest slots for `waitP95`. */
  readonly slotsNeeded: number | undefined;
}

/** The counters of a fleet at one moment. */
interface Sample {
  readonly at: number;
  readonly reports: ReadonlyMap<string, WorkerReport>;
  /** Attempts that wait or run, by queue. */
  readonly standing: ReadonlyMap<string, { readonly waiting: number; readonly running: number }>;
}

/**
 * Measures the workers of a queue for a while, and predicts its waits. Throws {@link NoWorkerError} when no worker
 * consumes it, or none did all the while, and {@link ConfigurationError}.
 */
export async function measureCapacity(app: Lovage, queue: string, options: CapacityOptions = {}): Promise<Capacity> {
  const { clock } = runtimeOf(app);
  const over = parseDuration(options.over ?? '10s', 'capacity: over');
  const timeout = parseDuration(options.timeout ?? '500ms', 'capacity: timeout');
  const target = options.waitP95 === undefined ? undefined : parseDuration(options.waitP95, 'capacity: waitP95');
  if (over === 0) throw new ConfigurationError('capacity: over: expected a time above 0');
  const before = await takeSample(app, timeout);
  if (consumersOf(queue, before).length === 0) throw new NoWorkerError(queue, 'answered: there is nothing to measure');
  await sleep(clock, Math.max(0, over - timeout));
  const after = await takeSample(app, timeout);
  const workers = consumersOf(queue, after).filter(({ name, pid }) => before.reports.get(name)?.pid === pid);
  if (workers.length === 0) throw new NoWorkerError(queue, 'was there all the while: nothing was measured');
  return capacityOf({ queue, workers, before, after, target });
}

async function takeSample(app: Lovage, timeout: number): Promise<Sample> {
  const at = runtimeOf(app).clock.monotonic();
  const inspector = new Inspector(app);
  const [workers, queues] = await Promise.all([inspector.workers({ timeout }), inspector.queues()]);
  return {
    at,
    reports: new Map(workers.map((report) => [report.name, report])),
    standing: new Map(queues.map(({ queue, waiting, running }) => [queue, { waiting, running }])),
  };
}

function consumersOf(queue: string, { reports }: Sample): readonly WorkerReport[] {
  return [...reports.values()].filter(({ queues }) => queues.includes(queue));
}

interface Measured {
  readonly queue: string;
  readonly workers: readonly WorkerReport[];
  readonly before: Sample;
  readonly after: Sample;
  readonly target: number | undefined;
}

function capacityOf({ queue, workers, before, after, target }: Measured): Capacity {
  const queues = [...new Set(workers.flatMap((worker) => worker.queues))].sort();
  const over = Math.max(1, after.at - before.at);
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
  const total = sumOf(workers, queues);
  const earlier = workers.flatMap(({ name }) => before.reports.get(name) ?? []);
  const recent = difference(total, sumOf(earlier, queues));
  const standing = (sample: Sample): number =>
    queues.reduce(
      (sum, name) => sum + (sample.standing.get(name)?.waiting ?? 0) + (sample.standing.get(name)?.running ?? 0),
      0,
    );
  const came = Math.max(0, recent.ended + standing(after) - standing(before));
  const arrivalRate = (came / over) * 1000;
  const service = serviceOf(recent.ended > 0 ? recent : total); // a quiet while says nothing of it: since the start
  const model = service && { slots, arrivalRate, serviceTime: service.time };
  const held = (recent.busy + runningTime(workers) - runningTime(earlier)) / over;
  const load = loadWith(held, model && loadOf(model));
  return {
    queue,
    queues,
    workers: workers.map(({ name }) => name).sort(),
    slots,
    over,
    arrivalRate,
    endRate: (recent.ended / over) * 1000,
    serviceTime: service?.time,
    serviceVariation: service?.variation,
    load,
    utilisation: load === undefined ? undefined : load / slots,
    waiting: queues.reduce((sum, name) => sum + (after.standing.get(name)?.waiting ?? 0), 0),
    predicted: { mean: model && meanWait(model), p95: model && waitQuantile(model, 0.95) },
    measured: waitsOf(recent),
    slotsNeeded: model && target !== undefined ? slotsFor(model, target, 0.95) : undefined,
  };
}

/** How long the tasks that run have held their slots. */
function runningTime(workers: readonly WorkerReport[]): number {
  return workers.flatMap(({ running }) => running).reduce((sum, { runningFor }) => sum + runningFor, 0);
}

/** What calls need by their number and length, or what was really held: a task that does not end shows in the second alone. */
function loadWith(held: number, offered: number | undefined): number | undefined {
  if (offered === undefined) return held > 0 ? held : undefined;
  return Math.max(offered, held);
}

const nothing: QueueLoad = { ended: 0, busy: 0, busySquares: 0, waited: 0, waits: [] };

function sumOf(workers: readonly WorkerReport[], queues: readonly string[]): QueueLoad {
  const loads = workers.flatMap((worker) => queues.map((queue) => worker.load[queue] ?? nothing));
  return loads.reduce((sum, load) => combined(sum, load, 1), nothing);
}

function difference(later: QueueLoad, earlier: QueueLoad): QueueLoad {
  return combined(later, earlier, -1);
}

function combined(a: QueueLoad, b: QueueLoad, sign: 1 | -1): QueueLoad {
  const length = Math.max(a.waits.length, b.waits.length);
  return {
    ended: a.ended + sign * b.ended,
    busy: a.busy + sign * b.busy,
    busySquares: a.busySquares + sign * b.busySquares,
    waited: a.waited + sign * b.waited,
    waits: Array.from({ length }, (_, bucket) => (a.waits[bucket] ?? 0) + sign * (b.waits[bucket] ?? 0)),
  };
}

function serviceOf({
  ended,
  busy,
  busySquares,
}: QueueLoad): { readonly time: number; readonly variation: number } | undefined {
  if (ended <= 0) return undefined;
  const time = busy / ended;
  return { time, variation: time === 0 ? 0 : Math.sqrt(Math.max(0, busySquares / ended - time * time)) / time };
}

/** @internal What was waited, from the counters. */
export function waitsOf({ ended, waited, waits }: QueueLoad): Waits {
  if (ended <= 0) return { mean: undefined, p95: undefined };
  let left = ended * 0.95;
  const bucket = waits.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
  return { mean: waited / ended, p95: waitOfBucket(Math.max(0, bucket)) };
}
