import { type Clock, isSweepable, type OutcomeWrite, type Timer } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';

/** Kinds of outcomes, each in a line of its own: they differ in how long they are kept, and in how many. */
export const endedKinds = ['brief', 'results', 'failures'] as const;
export type EndedKind = (typeof endedKinds)[number];

/** Outcomes kept no longer than this would stand behind those of a day, and be counted long after they have gone. */
const longestBrief = 3_600_000;
/** What a record takes beside its text and its id: its key's name, and what Redis keeps for a key with an expiry. */
const overhead = 200;
/** Ids in one batch. */
const mostIds = 500;
/** How long an outcome waits to be remembered, in milliseconds. */
const pause = 1_000;

interface Batch {
  readonly kind: EndedKind;
  ids: string[];
  bytes: number;
  ttl: number;
}

/**
 * Remembers which outcomes this process has stored, so that the oldest can be found when there are too many. It costs a
 * task two pushes to arrays here, and Redis one script a second, or for five hundred. A process that is killed forgets those of its last
 * second; they go with their own time.
 */
export class EndedLog {
  readonly #link: StoreLink;
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #batches: Readonly<Record<EndedKind, Batch>> = {
    brief: none('brief'),
    results: none('results'),
    failures: none('failures'),
  };
  #timer: Timer | undefined;

  constructor(link: StoreLink, keys: Keys, clock: Clock) {
    this.#link = link;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** A final outcome of so many bytes is stored. What must stay is left to its own time. */
  note({ record, ttl, stopsMessage }: OutcomeWrite, bytes: number): void {
    if (stopsMessage || !isSweepable(record)) return;
    const batch = this.#batches[record.state === 'FAILURE' ? 'failures' : ttl <= longestBrief ? 'brief' : 'results'];
    batch.ids.push(record.id);
    batch.bytes += bytes + record.id.length + overhead;
    if (ttl > batch.ttl) batch.ttl = ttl;
    if (batch.ids.length >= mostIds)
      void this.#send(batch); // never rejects
    else this.#timer ??= this.#clock.after(pause, () => void this.flush(), { background: true });
  }

  /** Sends what waits. Never rejects. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await Promise.all(Object.values(this.#batches).map((batch) => this.#send(batch)));
  }

  close(): void {
    this.#timer?.cancel();
  }

  #send(batch: Batch): Promise<unknown> {
    const { kind, ids, bytes, ttl } = batch;
    if (ids.length === 0) return Promise.resolve();
    Object.assign(batch, none(kind));
    const keys: [string, string] = [this.#keys.ended(kind), this.#keys.endedTotals];
    const args = [kind, ids.length, bytes, Math.ceil(ttl), JSON.stringify(ids)];
    return this.#link.runOnce((client) => scriptsOf(client).noteEnded(keys, args)).catch(() => undefined); // they go with their own time, then
  }
}

function none(kind: EndedKind): Batch {
  return { kind, ids: [], bytes: 0, ttl: 0 };
}
