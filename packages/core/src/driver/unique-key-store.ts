/** Which task holds a key. At most one does, and the broker is the judge of whether that task still is there. */
export interface UniqueKeyStore {
  /**
   * Takes a key for a task. Answers undefined when it was free, or this task's already, which then gets a new time to live;
   * else with the claim of the task that holds it, or held it until now: the key is taken only from the holder that
   * `instead` names, or from any with `replace`. Repeated, it changes nothing more.
   */
  acquire(name: string, request: UniqueKeyRequest): Promise<HeldUniqueKey | undefined>;
  /** Records that the task's message was published, if it holds the key. Answers with the id that holds it, if one does. */
  confirm(name: string, id: string): Promise<string | undefined>;
  /** Frees the key. False when it was not this task's. */
  release(name: string, id: string): Promise<boolean>;
}

/** What {@link UniqueKeyStore.acquire} is asked. */
export interface UniqueKeyRequest {
  /** The task's id. */
  readonly id: string;
  /** The queue its message stands in. */
  readonly queue: string;
  /** How long the claim is kept at most, in milliseconds. */
  readonly ttl: number;
  /** The holder it takes the key from. */
  readonly replaceHolder?: string;
  /** Takes it from whoever holds it. @default false */
  readonly replace?: boolean;
  /** What makes it one of a burst: see {@link inDebounceWindow}. @default none: a claim begins anew */
  readonly debounceWindow?: DebounceWindow;
  /** The message was published. @default false */
  readonly published?: boolean;
}

/** Calls that follow each other closely; milliseconds. */
export interface DebounceWindow {
  /** How far apart two of them are at most. */
  readonly period: number;
  /** How long it lasts at most. */
  readonly timeout: number;
}

/** A key that is held. */
export interface HeldUniqueKey {
  readonly id: string;
  readonly queue: string;
  /** Whether its message was published. While it was not, the broker cannot know the task. */
  readonly published: boolean;
  /** Milliseconds since this task took the key, by the store's clock. */
  readonly age: number;
  /** Milliseconds since the first of its burst did. */
  readonly since: number;
  /** The last one before it whose message was published, if it took the key from another. */
  readonly previousHolder?: UniqueKeyHolder;
}

/** A task, and the queue its message stands in. */
export interface UniqueKeyHolder {
  readonly id: string;
  readonly queue: string;
}

/** Whether one who takes the key from this claim goes on with its burst. */
export function inDebounceWindow(
  claim: Pick<HeldUniqueKey, 'age' | 'since'>,
  { period, timeout }: DebounceWindow,
): boolean {
  return claim.age < period && claim.since < timeout;
}
