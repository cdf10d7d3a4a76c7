/**
 * Rate limits over all workers. Each limited task has a waiting line; the worker whose turn it is wakes the first message of
 * the line when the next moment has come. No moment is reserved ahead: a message that was purged, revoked or has expired
 * costs nobody anything, and a changed rate applies to all that wait.
 */
export interface RateLimiter {
  /**
   * Asks whether messages of a task may start now. Those that may not stand in line afterwards. Asking again for the same message
   * keeps its place.
   */
  enter(task: string, request: RateRequest): Promise<RateReply>;
  /** Takes those out of the line whose moment has come: the caller makes their messages ready, and they ask again. */
  wake(task: string, request: WakeRequest): Promise<WakeReply>;
  /** The first of the line. */
  first(task: string, limit: number): Promise<readonly RateEntry[]>;
  /** Forgets messages that are not there any more. The moment of one that was woken goes to the next. */
  drop(task: string, interval: number, entries: readonly RateEntry[]): Promise<void>;
}

/** Names a message in a line. */
export interface RateEntry {
  readonly queue: string;
  readonly id: string;
}

/** A message that asks for its start. */
export interface RateCandidate extends RateEntry {
  /** 0–9: higher ones stand before lower ones. */
  readonly priority: number;
  /** Where it stood when it asked before. */
  readonly order?: number | undefined;
}

/** What {@link RateLimiter.enter} is asked. */
export interface RateRequest {
  /** Milliseconds between two starts; a fraction is kept. */
  readonly interval: number;
  readonly candidates: readonly RateCandidate[];
  /** They are being published: the first of an empty line goes to its queue and asks again there, the others wait. */
  readonly publishing: boolean;
}

/** The answer for one message. */
export interface RatePlace {
  readonly free: boolean;
  /** Its place among those that wait, to be given when it asks again; lower ones start sooner. */
  readonly order: number;
  /** How many milliseconds its start is away by the present line and rate; 0 when it is free. */
  readonly wait: number;
  /** Its moment is its own: it comes again then, and starts. @default false */
  readonly reserved?: boolean;
}

/** What {@link RateLimiter.enter} answers. */
export interface RateReply {
  readonly places: readonly RatePlace[];
  /** How many stand in line now. */
  readonly waiting: number;
}

/** What {@link RateLimiter.wake} is asked. */
export interface WakeRequest {
  /** As in {@link RateRequest}; 0 when the limit was lifted. */
  readonly interval: number;
  /** Of several that ask, one at a time wakes. */
  readonly worker: string;
}

/** What {@link RateLimiter.wake} answers. */
export interface WakeReply {
  readonly entries: readonly RateEntry[];
  /** In how many milliseconds to ask again; undefined when the line is empty. */
  readonly next: number | undefined;
}

/**
 * A limiter for brokers that cannot make delayed messages ready: each message reserves its moment, `reserve` milliseconds away. A
 * moment of a message that never runs is lost.
 */
export function createReservingLimiter(reserve: (task: string, interval: number) => Promise<number>): RateLimiter {
  const start = async (task: string, { order }: RateCandidate, interval: number): Promise<RatePlace> => {
    const wait = order === undefined ? await reserve(task, interval) : 0;
    return wait > 0 ? { free: false, reserved: true, order: 1, wait } : { free: true, order: 0, wait: 0 };
  };
  return {
    async enter(task, { interval, candidates, publishing }) {
      const places = publishing ? [] : await Promise.all(candidates.map((one) => start(task, one, interval)));
      return { places, waiting: 0 };
    },
    wake: async () => ({ entries: [], next: undefined }),
    first: async () => [],
    drop: async () => {},
  };
}

/** The times of every rate limiter, in milliseconds. */
export const rateTimes = {
  /** A woken message that starts so late keeps its moment; after that it needs one that is free. */
  lateStart: 1_000,
  /** The line is served as if on time when it is served so late: a worker that was held up costs no starts. */
  catchUp: 500,
  /** Longest time between two looks at a line that is served. */
  longestPause: 2_000,
  /** A worker that does not look so long after it should have has died: another one wakes. */
  lease: 1_000,
  /** A woken message that has not asked by then is taken for gone. */
  wokenFor: 10_000,
} as const;

/** Messages that one call wakes at most. */
export const mostWoken = 500;

/** How many woken messages may be on their way: what one second lets start, and one. */
export function mostUnderWay(interval: number): number {
  return interval > 0 ? Math.min(mostWoken, Math.ceil(1_000 / interval) + 1) : mostWoken;
}

/** How soon to look again when enough are on their way, in milliseconds. */
export function underWayPause(interval: number): number {
  return Math.min(1_000, Math.max(20, interval));
}

/** Orders by priority, then by arrival; `arrival` counts up. */
export function rateOrder(priority: number, arrival: number): number {
  return (9 - priority) * 2 ** 49 + arrival;
}
