import {
  type AcquireRequest,
  type AcquireResult,
  type HeldSlot,
  memberOf,
  type ReconcileRequest,
  type Semaphore,
  type SlotHolder,
  slotHolderOf,
  type Urgency,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { type Scripts, scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Entries in one script call: bounds the time it holds Redis (500 take about 6 ms). */
const chunkSize = 500;

/** Places and lines as hashes and sorted sets, one script for each step. All may be repeated after a lost reply. */
export class RedisSemaphore implements Semaphore {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  /** As {@link RedisSemaphore.release}, where one script may touch the admission and the queues. */
  readonly releaseAndUnblock?: NonNullable<Semaphore['releaseAndUnblock']>;

  constructor(link: StoreLink, keys: Keys, queues: 'jobs' | 'streams') {
    this.#link = link;
    this.#keys = keys;
    if (keys.sameSlot) this.releaseAndUnblock = (entry, first) => this.#handOver(entry, first, queues);
  }

  async acquire(entries: readonly AcquireRequest[], urgency: Urgency = 'may'): Promise<AcquireResult> {
    const fences: number[] = [];
    const acquired: SlotHolder[] = [];
    for (let start = 0; start < entries.length; start += chunkSize) {
      const chunk = entries.slice(start, start + chunkSize);
      const args = [urgency === 'must' ? '1' : '', ...chunk.flatMap(argsOf)];
      const [numbers, pairs] = await this.#run((scripts, keys) => scripts.semaphoreAcquire(keys, args));
      for (const number of numbers) fences.push(number);
      acquired.push(...toSlotHolders(pairs));
    }
    if (acquired.length === 0) return { fencingTokens: fences, others: acquired };
    const own = new Set(entries.map((entry) => `${entry.group} ${memberOf(entry)}`));
    return { fencingTokens: fences, others: acquired.filter((place) => !own.has(`${place.group} ${memberOf(place)}`)) };
  }

  async release(places: readonly SlotHolder[], only?: 'holders'): Promise<readonly SlotHolder[]> {
    const acquired: SlotHolder[] = [];
    for (let start = 0; start < places.length; start += chunkSize) {
      const pairs = places.slice(start, start + chunkSize).flatMap((place) => [place.group, memberOf(place)]);
      const args = [only === 'holders' ? '1' : '', ...pairs];
      acquired.push(...toSlotHolders(await this.#run((scripts, keys) => scripts.semaphoreRelease(keys, args))));
    }
    return acquired;
  }

  async #handOver(entry: AcquireRequest, first: boolean, queues: 'jobs' | 'streams'): Promise<readonly SlotHolder[]> {
    const { semaphore, [queues]: beginning } = this.#keys;
    const args = [first ? '1' : '', entry.limit, entry.group, memberOf(entry)];
    const pairs = await this.#link.run((client) => {
      const { handOverJobs, handOverEntries } = scriptsOf(client);
      return (queues === 'jobs' ? handOverJobs : handOverEntries)([semaphore, beginning], args);
    });
    return toSlotHolders(pairs);
  }

  async halt(place: SlotHolder): Promise<boolean> {
    const args = [place.group, memberOf(place)];
    return (await this.#run((scripts, keys) => scripts.semaphoreHalt(keys, args))) === 1;
  }

  async halted(): Promise<readonly SlotHolder[]> {
    const found = await this.#link.run((client) => client.hgetall(this.#keys.semaphoreHalted));
    return Object.entries(found).map(([group, member]) => slotHolderOf(group, member));
  }

  async has(places: readonly SlotHolder[]): Promise<readonly boolean[]> {
    let letters = '';
    for (let start = 0; start < places.length; start += chunkSize) {
      const args = places.slice(start, start + chunkSize).flatMap((place) => [place.group, memberOf(place)]);
      letters += await this.#run((scripts, keys) => scripts.semaphoreHas(keys, args));
    }
    return [...letters].map((letter) => letter === 'y');
  }

  async waitingList(group: string, limit: number): Promise<readonly SlotHolder[]> {
    const members = await this.#run((scripts, keys) => scripts.semaphoreWaitingList(keys, [group, limit]));
    return members.map((member) => slotHolderOf(group, member));
  }

  async overdue({ interval: every, minHeldMs, limit }: ReconcileRequest): Promise<readonly HeldSlot[] | undefined> {
    const flat = await this.#run((scripts, keys) => scripts.semaphoreOverdue(keys, [every, minHeldMs, limit]));
    if (flat === null) return undefined;
    const places: HeldSlot[] = [];
    for (let i = 0; i < flat.length; i += 3) {
      places.push({ ...slotHolderOf(String(flat[i]), String(flat[i + 1])), heldFor: Number(flat[i + 2]) });
    }
    return places;
  }

  #run<T>(work: (scripts: Scripts, keys: [base: string]) => Promise<T>): Promise<T> {
    return this.#link.run((client) => work(scriptsOf(client), [this.#keys.semaphore]));
  }
}

function argsOf(entry: AcquireRequest): (string | number)[] {
  const { group, limit, flow = '', cost = 1, replaces } = entry;
  return [group, memberOf(entry), limit, flow, cost, replaces ? memberOf(replaces) : ''];
}

function toSlotHolders(pairs: readonly string[]): SlotHolder[] {
  const places: SlotHolder[] = [];
  for (let i = 0; i < pairs.length; i += 2) places.push(slotHolderOf(pairs[i] as string, pairs[i + 1] as string));
  return places;
}
