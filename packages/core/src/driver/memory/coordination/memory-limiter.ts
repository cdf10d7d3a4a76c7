import type { Clock } from '../../../clock.ts';
import {
  mostUnderWay,
  mostWoken,
  type RateCandidate,
  type RateEntry,
  type RateLimiter,
  type RatePlace,
  type RateReply,
  type RateRequest,
  rateOrder,
  rateTimes,
  underWayPause,
  type WakeReply,
  type WakeRequest,
} from '../../rate-limiter.ts';

interface Waiting extends RateEntry {
  readonly order: number;
}

/** The line of one task. */
interface Line {
  /** Sorted by order. */
  readonly waiting: Waiting[];
  /** The same by id. */
  readonly byId: Map<string, Waiting>;
  /** When each woken message was woken, by its id. */
  readonly woken: Map<string, number>;
  /** The moment of the last start. */
  startedAt: number;
  /** The moment for which a message was woken last. */
  wokenAt: number;
  arrivals: number;
  waker: string;
  wakerUntil: number;
}

interface TakeRequest {
  readonly now: number;
  readonly room: number;
  readonly interval: number;
}

/** Lines by task. */
export type LimiterState = Map<string, Line>;

/** The waiting lines of each task. */
export class MemoryLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly state: LimiterState;

  constructor(clock: Clock, state: LimiterState = new Map()) {
    this.#clock = clock;
    this.state = state;
  }

  async enter(task: string, { interval, candidates, publishing }: RateRequest): Promise<RateReply> {
    const line = this.#line(task);
    const places = candidates.map((candidate) => {
      const place = publishing ? this.#publish(line, candidate) : this.#start(line, candidate, interval);
      return place ?? this.#join(line, candidate, interval);
    });
    return { places, waiting: line.waiting.length };
  }

  #publish(line: Line, { priority }: RateCandidate): RatePlace | undefined {
    if (line.waiting.length > 0 || line.woken.size > 0) return undefined;
    line.woken.set('', this.#clock.now()); // its own id may never come
    return { free: true, order: this.#newOrder(line, priority), wait: 0 };
  }

  #start(line: Line, { id, order }: RateCandidate, interval: number): RatePlace | undefined {
    const now = this.#clock.now();
    const wokenAt = line.woken.get(id);
    line.woken.delete(id);
    line.woken.delete('');
    const onTime = wokenAt !== undefined && now - wokenAt <= rateTimes.lateStart;
    if (!onTime && (now < line.startedAt + interval || (wokenAt === undefined && !isNext(line, id, order))))
      return undefined;
    line.startedAt = onTime ? Math.max(line.startedAt, wokenAt) : now;
    remove(line, id);
    return { free: true, order: 0, wait: 0 };
  }

  #join(line: Line, { queue, id, priority, order: given }: RateCandidate, interval: number): RatePlace {
    const order = given ?? remove(line, id)?.order ?? this.#newOrder(line, priority);
    remove(line, id);
    const rank = rankOf(line, order);
    const waiting: Waiting = { queue, id, order };
    line.waiting.splice(rank, 0, waiting);
    line.byId.set(id, waiting);
    const next = Math.max(line.startedAt, line.wokenAt) + interval;
    return { free: false, order, wait: Math.ceil(Math.max(0, next - this.#clock.now()) + rank * interval) };
  }

  async wake(task: string, { interval, worker }: WakeRequest): Promise<WakeReply> {
    const line = this.#line(task);
    const now = this.#clock.now();
    for (const [id, at] of line.woken) if (at < now - rateTimes.wokenFor) line.woken.delete(id);
    if (line.waiting.length === 0 && line.waker === worker) line.wakerUntil = 0;
    if (line.waiting.length === 0) return { entries: [], next: undefined };
    if (line.waker !== worker && line.wakerUntil > now) return { entries: [], next: line.wakerUntil - now + 1 };
    line.waker = worker;
    const room = mostUnderWay(interval) - line.woken.size;
    const entries = this.#take(line, { now, room, interval });
    const pause = room > 0 ? Math.max(0, Math.ceil(nextOf(line, now, interval) - now)) : underWayPause(interval);
    const more = line.waiting.length > 0;
    line.wakerUntil = more ? now + Math.min(pause, rateTimes.longestPause) + rateTimes.lease : 0;
    return { entries, next: more ? pause : undefined };
  }

  #take(line: Line, { now, room, interval }: TakeRequest): readonly Waiting[] {
    const first = nextOf(line, now, interval);
    const due = interval > 0 ? Math.floor((now - first) / interval) + 1 : mostWoken;
    const taken = line.waiting.splice(0, Math.max(0, Math.min(due, room)));
    for (const [nth, { id }] of taken.entries()) {
      line.byId.delete(id);
      line.wokenAt = first + nth * interval;
      line.woken.set(id, line.wokenAt);
    }
    return taken;
  }

  async first(task: string, limit: number): Promise<readonly RateEntry[]> {
    return this.#line(task).waiting.slice(0, limit);
  }

  async drop(task: string, interval: number, entries: readonly RateEntry[]): Promise<void> {
    const line = this.#line(task);
    line.woken.delete('');
    for (const { id } of entries) {
      remove(line, id);
      if (line.woken.delete(id)) line.wokenAt -= interval;
    }
  }

  #newOrder(line: Line, priority: number): number {
    line.arrivals += 1;
    return rateOrder(priority, line.arrivals);
  }

  #line(task: string): Line {
    const known = this.state.get(task);
    if (known) return known;
    const times = { startedAt: 0, wokenAt: 0, wakerUntil: 0 };
    const line: Line = { ...times, waiting: [], byId: new Map(), woken: new Map(), arrivals: 0, waker: '' };
    this.state.set(task, line);
    return line;
  }
}

/** Whether nobody stands before this message. */
function isNext({ waiting, woken }: Line, id: string, order = Number.POSITIVE_INFINITY): boolean {
  if (woken.size > 0) return false;
  const [head] = waiting;
  return head === undefined || head.id === id || order < head.order;
}

/** The moment of the next start; one that was missed by far is now. */
function nextOf({ startedAt, wokenAt }: Line, now: number, interval: number): number {
  const next = Math.max(startedAt, wokenAt) + interval;
  return next < now - rateTimes.catchUp ? now : next;
}

function remove(line: Line, id: string): Waiting | undefined {
  const waiting = line.byId.get(id);
  if (waiting === undefined) return undefined;
  line.byId.delete(id);
  line.waiting.splice(rankOf(line, waiting.order), 1);
  return waiting;
}

/** How many stand before this order. */
function rankOf({ waiting }: Line, order: number): number {
  let low = 0;
  for (let high = waiting.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((waiting[middle] as Waiting).order < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
