import type { Clock } from '../../clock.ts';
import type { AttemptCounts, QueueLoad, RunningTask } from '../../events/worker-report.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptContext } from '../execution/attempt-context.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { AttemptObserver } from '../execution/executor.ts';

/** Results of deliveries whose handler was not begun, or not ended. */
const unrun: ReadonlySet<AttemptResult['state']> = new Set([
  'POSTPONED',
  'BLOCKED',
  'ALREADY_FINISHED',
  'RELEASED',
] as const);

/** Counts attempts and knows those under way. */
export class WorkerStats implements AttemptObserver {
  readonly #clock: Clock;
  /** Not a Set: see id-map. An attempt knows its place; the last one takes the place of one that goes. */
  readonly #running: Attempt[] = [];
  readonly #counts = { succeeded: 0, failed: 0, retried: 0, revoked: 0, other: 0 };

  readonly #meters = new Map<string, QueueMeter>();
  #meter: QueueMeter | undefined;

  /** The latest tasks that were broken off from outside. */
  readonly #terminated = new Set<string>();

  /** `clock` is the broker's, as far as it is known. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onStart(attempt: Attempt): void {
    attempt.begun = this.#clock.monotonic();
    attempt.place = this.#running.length;
    this.#running.push(attempt);
  }

  onEnd(attempt: Attempt, { state }: AttemptResult): void {
    this.#forget(attempt);
    attempt.ran = this.#clock.monotonic() - (attempt.begun ?? 0);
    attempt.endedAt = this.#clock.now();
    if (!unrun.has(state)) this.#measure(attempt);
    if (state === 'SUCCESS') this.#counts.succeeded++;
    else if (state === 'FAILURE' || state === 'REJECTED' || state === 'CRASH_BUDGET_EXCEEDED') this.#counts.failed++;
    else if (state === 'RETRY') this.#counts.retried++;
    else if (state === 'REVOKED') this.#counts.revoked++;
    else this.#counts.other++;
  }

  /** What was measured, by queue. */
  get load(): Readonly<Record<string, QueueLoad>> {
    return Object.fromEntries([...this.#meters].map(([queue, meter]) => [queue, meter.load]));
  }

  noteTerminated(id: string): void {
    this.#terminated.add(id);
    if (this.#terminated.size > 1000) this.#terminated.delete(this.#terminated.values().next().value as string);
  }

  get terminated(): readonly string[] {
    return [...this.#terminated];
  }

  get counts(): AttemptCounts {
    return { ...this.#counts };
  }

  get running(): readonly RunningTask[] {
    const now = this.#clock.monotonic();
    return this.#running.map(({ message, begun = now }) => ({
      id: message.id,
      task: message.task,
      queue: message.queue,
      runningFor: Math.round(now - begun),
      ...(message.tags ? { tags: message.tags } : {}),
    }));
  }

  /** The attempts under way. */
  get attempts(): readonly Attempt[] {
    return [...this.#running];
  }

  /** The contexts of the attempts under way. */
  get contexts(): readonly AttemptContext[] {
    return this.#running.map(({ context }) => context);
  }

  /** Waits count from the moment at which the task could have run; like all moments of messages it is the broker's clock's. */
  #measure({ message, ran: busy = 0, endedAt = 0, sharedBy = 1 }: Attempt): void {
    const ready = Math.max(message.sentAt, message.eta ?? 0, message.limitedUntil ?? 0);
    const waited = message.rateLine ? 0 : Math.max(0, endedAt - busy - ready); // a rate limit is no lack of slots
    this.#meterOf(message.queue).add(waited, busy / sharedBy);
  }

  #meterOf(queue: string): QueueMeter {
    if (this.#meter?.queue === queue) return this.#meter;
    this.#meter = this.#meters.get(queue) ?? new QueueMeter(queue);
    this.#meters.set(queue, this.#meter);
    return this.#meter;
  }

  #forget(attempt: Attempt): void {
    const { place = -1 } = attempt;
    if (this.#running[place] !== attempt) return;
    const last = this.#running.pop() as Attempt;
    if (last === attempt) return;
    this.#running[place] = last;
    last.place = place;
  }
}

/** Measures the load of one queue: a few additions an attempt. */
export class QueueMeter {
  readonly queue: string;
  #ended = 0;
  #busy = 0;
  #busySquares = 0;
  #waited = 0;
  readonly #waits: number[] = [];

  constructor(queue: string) {
    this.queue = queue;
  }

  /** An attempt has ended that had waited and then held a slot, both in milliseconds. */
  add(waited: number, busy: number): void {
    this.#ended += 1;
    this.#busy += busy;
    this.#busySquares += busy * busy;
    this.#waited += waited;
    const bucket = waitBucket(waited);
    while (this.#waits.length <= bucket) this.#waits.push(0);
    this.#waits[bucket] = (this.#waits[bucket] as number) + 1;
  }

  get load(): QueueLoad {
    const waits = [...this.#waits];
    return { ended: this.#ended, busy: this.#busy, busySquares: this.#busySquares, waited: this.#waited, waits };
  }
}

/** Each bucket ends 2^(1/8) above the one before: a wait is known to within 9 %. */
const perOctave = 8;

/** The bucket of a wait: 0 below a millisecond. */
export function waitBucket(ms: number): number {
  return ms < 1 ? 0 : Math.floor(Math.log2(ms) * perOctave) + 1;
}

/** The wait in the middle of a bucket. */
export function waitOfBucket(bucket: number): number {
  return bucket === 0 ? 0.5 : 2 ** ((bucket - 0.5) / perOctave);
}
