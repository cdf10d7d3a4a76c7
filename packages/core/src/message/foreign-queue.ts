/** A job of another program, as it waits. */
export interface ForeignJob {
  readonly id: string;
  readonly name: string;
  /** Its data: JSON that was read, or the text where it is none. */
  readonly data: unknown;
  /** Options as its program wrote them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** When it was added, epoch ms. */
  readonly addedAt: number;
  /** When it is due, epoch ms, where it is delayed. */
  readonly dueAt?: number;
  readonly attemptsMade: number;
  /** It is part of a flow: what it belongs to stays behind. */
  readonly parent?: string;
}

/** A page of jobs. */
export interface ForeignJobPage {
  readonly jobs: readonly ForeignJob[];
  /** Where the next page begins; absent with the last one. */
  readonly next?: number;
}

/** What of a foreign queue is not to be moved. */
export interface ForeignRest {
  /** Jobs that run now. */
  readonly running: number;
  /** Jobs that wait for their children. */
  readonly parents: number;
  /** Ids of schedulers that add jobs again and again, with what they say (a cron line, milliseconds). */
  readonly schedulers: Readonly<Record<string, string>>;
}

/** A queue that another program may have created. */
export interface ForeignQueue {
  /** The other program, in words; undefined when the queue is Lovage's, or not there yet. */
  owner(): Promise<string | undefined>;
  /** Makes it Lovage's. */
  adopt(): Promise<void>;
  /** Jobs that wait or are delayed, in the order in which they would run, without those before `from`; what is Lovage's is left out. */
  jobs(from: number, limit: number): Promise<ForeignJobPage>;
  rest(): Promise<ForeignRest>;
  /** Removes jobs that wait or are delayed. */
  remove(ids: readonly string[]): Promise<void>;
}
