import {
  type Admission,
  type AdmissionEntry,
  type Admitted,
  type HeldPlace,
  type Look,
  memberOf,
  type Place,
  placeOf,
  type Urgency,
} from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { type Scripts, scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Entries in one script call: bounds the time it holds Redis (500 take about 6 ms). */
const chunkSize = 500;

/** Places and lines as hashes and sorted sets, one script for each step. All may be repeated after a lost reply. */
export class RedisAdmission implements Admission {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  /** As {@link RedisAdmission.leave}, where one script may touch the admission and the queues. */
  readonly handOver?: NonNullable<Admission['handOver']>;

  constructor(link: StoreLink, keys: Keys, queues: 'jobs' | 'streams') {
    this.#link = link;
    this.#keys = keys;
    if (keys.together) this.handOver = (entry, first) => this.#handOver(entry, first, queues);
  }

  async enter(entries: readonly AdmissionEntry[], urgency: Urgency = 'may'): Promise<Admitted> {
    const fences: number[] = [];
    const admitted: Place[] = [];
    for (let start = 0; start < entries.length; start += chunkSize) {
      const chunk = entries.slice(start, start + chunkSize);
      const args = [urgency === 'must' ? '1' : '', ...chunk.flatMap(argsOf)];
      const [numbers, pairs] = await this.#run((scripts, keys) => scripts.admissionEnter(keys, args));
      for (const number of numbers) fences.push(number);
      admitted.push(...toPlaces(pairs));
    }
    if (admitted.length === 0) return { fences, others: admitted };
    const own = new Set(entries.map((entry) => `${entry.group} ${memberOf(entry)}`));
    return { fences, others: admitted.filter((place) => !own.has(`${place.group} ${memberOf(place)}`)) };
  }

  async leave(places: readonly Place[], only?: 'holders'): Promise<readonly Place[]> {
    const admitted: Place[] = [];
    for (let start = 0; start < places.length; start += chunkSize) {
      const pairs = places.slice(start, start + chunkSize).flatMap((place) => [place.group, memberOf(place)]);
      const args = [only === 'holders' ? '1' : '', ...pairs];
      admitted.push(...toPlaces(await this.#run((scripts, keys) => scripts.admissionLeave(keys, args))));
    }
    return admitted;
  }

  async #handOver(entry: AdmissionEntry, first: boolean, queues: 'jobs' | 'streams'): Promise<readonly Place[]> {
    const { admission, [queues]: beginning } = this.#keys;
    const args = [first ? '1' : '', entry.limit, entry.group, memberOf(entry)];
    const pairs = await this.#link.run((client) => {
      const { handOverJobs, handOverEntries } = scriptsOf(client);
      return (queues === 'jobs' ? handOverJobs : handOverEntries)([admission, beginning], args);
    });
    return toPlaces(pairs);
  }

  async halt(place: Place): Promise<boolean> {
    const args = [place.group, memberOf(place)];
    return (await this.#run((scripts, keys) => scripts.admissionHalt(keys, args))) === 1;
  }

  async halted(): Promise<readonly Place[]> {
    const found = await this.#link.run((client) => client.hgetall(this.#keys.admissionHalted));
    return Object.entries(found).map(([group, member]) => placeOf(group, member));
  }

  async knows(places: readonly Place[]): Promise<readonly boolean[]> {
    let letters = '';
    for (let start = 0; start < places.length; start += chunkSize) {
      const args = places.slice(start, start + chunkSize).flatMap((place) => [place.group, memberOf(place)]);
      letters += await this.#run((scripts, keys) => scripts.admissionKnows(keys, args));
    }
    return [...letters].map((letter) => letter === 'y');
  }

  async line(group: string, limit: number): Promise<readonly Place[]> {
    const members = await this.#run((scripts, keys) => scripts.admissionLine(keys, [group, limit]));
    return members.map((member) => placeOf(group, member));
  }

  async overdue({ every, patience, limit }: Look): Promise<readonly HeldPlace[] | undefined> {
    const flat = await this.#run((scripts, keys) => scripts.admissionOverdue(keys, [every, patience, limit]));
    if (flat === null) return undefined;
    const places: HeldPlace[] = [];
    for (let i = 0; i < flat.length; i += 3) {
      places.push({ ...placeOf(String(flat[i]), String(flat[i + 1])), heldFor: Number(flat[i + 2]) });
    }
    return places;
  }

  #run<T>(work: (scripts: Scripts, keys: [base: string]) => Promise<T>): Promise<T> {
    return this.#link.run((client) => work(scriptsOf(client), [this.#keys.admission]));
  }
}

function argsOf(entry: AdmissionEntry): (string | number)[] {
  const { group, limit, flow = '', cost = 1, replaces } = entry;
  return [group, memberOf(entry), limit, flow, cost, replaces ? memberOf(replaces) : ''];
}

function toPlaces(pairs: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let i = 0; i < pairs.length; i += 2) places.push(placeOf(pairs[i] as string, pairs[i + 1] as string));
  return places;
}
