/** A task queue under test, as one child process of the harness uses it: as producer or as worker. */
export interface System {
  /** Puts `count` no-op tasks `add(i, 1)` in the queue. */
  fill(count: number): Promise<void>;
  /** Runs tasks in this process from now on; `ran` is called at the end of every handler. `atOnce`: {@link slots} unless given. */
  work(ran: () => void, atOnce?: number): Promise<void>;
  /** Sends tasks that are not due for an hour. */
  delay?(count: number): Promise<void>;
  /** Sends `count` tasks at once and awaits every result. Absent: the system has no results to await. */
  trip?(count: number): Promise<void>;
  /** One request and its reply. */
  call?(): Promise<void>;
  /** Sends `count` tasks; the function returned awaits all their results. */
  send?(count: number): Promise<() => Promise<void>>;
  /** Sends a chord of `count` no-op members from a generator, and awaits its body, which looks at every value. */
  chord?(count: number): Promise<void>;
  /** Sends a group of them, and awaits the list of values. */
  group?(count: number, onMember: (index: number) => void): Promise<void>;
  close(): Promise<void>;
}

/** The no-op task that every system runs. */
export const add = (x: number, y: number): number => x + y;

/** Names and settings that are the same for all. */
export const queueName = 'bench';
/** How many tasks a worker process runs at once. BullMQ takes 23, 25 and 26 µs of its process a job with 50, 100 and 200. */
export const slots = 100;
/** The same for the Streams driver, which works in batches of half its slots. */
export const streamsSlots = 200;
/** The same for workers of Celery's queues, on both sides: Lovage's default. */
export const celerySlots = 8;
/** How many tasks go out in one round trip. */
export const chunkSize = 500;

/** `0 … count - 1` in chunks of {@link chunkSize}. */
export function* chunks(count: number): Generator<readonly number[]> {
  for (let start = 0; start < count; start += chunkSize) {
    yield Array.from({ length: Math.min(chunkSize, count - start) }, (_, index) => start + index);
  }
}
