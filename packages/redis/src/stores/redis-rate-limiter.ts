import {
  mostUnderWay,
  type RateEntry,
  type RateLimiter,
  type RatePlace,
  type RateReply,
  type RateRequest,
  rateOrder,
  underWayPause,
  type WakeReply,
  type WakeRequest,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Rate limits as one waiting line each. */
export class RedisRateLimiter implements RateLimiter {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Not repeated after a lost reply: a message that was let start would take a second moment. */
  async enter(task: string, { interval, candidates, publishing }: RateRequest): Promise<RateReply> {
    const args = candidates.flatMap(({ priority, order, ...entry }) => [
      toMember(entry),
      rateOrder(priority, 0),
      order ?? '',
    ]);
    const reply = await this.#link.runOnce((client) =>
      scriptsOf(client).rateEnter([this.#keys.rate(task)], [toMicros(interval), publishing ? 'p' : 's', ...args]),
    );
    const places = candidates.map((_, index): RatePlace => {
      const [free, order, wait] = reply.slice(1 + 3 * index, 4 + 3 * index);
      return { free: free === '1', order: Number(order), wait: Math.ceil(Number(wait) / 1_000) };
    });
    return { places, waiting: Number(reply[0]) };
  }

  /** Not repeated after a lost reply: those that were woken without their waker knowing come when their own time is over. */
  async wake(task: string, { interval, worker }: WakeRequest): Promise<WakeReply> {
    const [next, ...members] = await this.#link.runOnce((client) =>
      scriptsOf(client).rateWake(
        [this.#keys.rate(task)],
        [toMicros(interval), worker, mostUnderWay(interval), underWayPause(interval) * 1_000],
      ),
    );
    const micros = Number(next);
    return {
      entries: members.map((member) => toEntry(String(member))),
      next: micros < 0 ? undefined : Math.ceil(micros / 1_000),
    };
  }

  async first(task: string, limit: number): Promise<readonly RateEntry[]> {
    const members = await this.#link.run((client) =>
      client.zrange(`${this.#keys.rate(task)}line`, 0, String(limit - 1)),
    );
    return members.map(toEntry);
  }

  async drop(task: string, interval: number, entries: readonly RateEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const args = [toMicros(interval), ...entries.map(toMember)];
    await this.#link.runOnce((client) => scriptsOf(client).rateDrop([this.#keys.rate(task)], args));
  }
}

function toMicros(interval: number): number {
  return Math.max(0, Math.round(interval * 1_000));
}

/** A message as a member of a sorted set: its id's length tells where the id ends. */
function toMember({ queue, id }: RateEntry): string {
  return `${id.length}:${id}${queue}`;
}

function toEntry(member: string): RateEntry {
  const colon = member.indexOf(':');
  const end = colon + 1 + Number(member.slice(0, colon));
  return { id: member.slice(colon + 1, end), queue: member.slice(end) };
}
