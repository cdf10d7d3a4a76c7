/** A task that is running now. */
export interface RunningTask {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** Milliseconds since it began. */
  readonly runningFor: number;
  /** Of the task and its call, where there are any. */
  readonly tags?: readonly string[];
}

/** How many attempts ended how, since the worker started. */
export interface AttemptCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly revoked: number;
  readonly other: number;
}

/** A worker, seen from outside. */
export interface WorkerReport {
  readonly name: string;
  readonly app: string;
  readonly pid: number;
  readonly queues: readonly string[];
  readonly slots: number;
  readonly running: readonly RunningTask[];
  readonly counts: AttemptCounts;
  /** What it has measured, by queue. */
  readonly load: Readonly<Record<string, QueueLoad>>;
  /** The tasks it can run. */
  readonly tasks: readonly string[];
  /** Seconds since it started. */
  readonly uptime: number;
  /** Whether it sends events. */
  readonly events: boolean;
  /** Memory of the process, in bytes. */
  readonly rss: number;
  /** The worst delay of a timer on its event loop in the last 5 to 10 seconds, in milliseconds. */
  readonly loopLag: number;
  /** How far the broker's clock is ahead of this machine's, in milliseconds. */
  readonly clockSkew: number;
  /** For how long one of its queues has gone without a poll, in milliseconds; 0 while there is none to poll. */
  readonly unpolledFor: number;
  /** It takes no more tasks: it ends when those that run have ended. */
  readonly draining?: boolean;
  /** Of Lovage, and of Node. Absent from workers before 0.2. */
  readonly versions?: { readonly lovage: string; readonly node: string };
}

/** What a worker has measured of one queue since it started. Times in milliseconds. */
export interface QueueLoad {
  /** Attempts that have ended. */
  readonly ended: number;
  /** How long they held their slots, together; and the sum of the squares, from which the spread follows. */
  readonly busy: number;
  readonly busySquares: number;
  /** How long they had waited since they could have run, together. */
  readonly waited: number;
  /** How many waited how long: see {@link waitBucket}. */
  readonly waits: readonly number[];
}
