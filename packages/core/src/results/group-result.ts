import { sleep } from '../clock.ts';
import { NoResultBackendError } from '../errors.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import type { OwnIds } from '../message/plan.ts';
import { newTaskId } from '../message/task-id.ts';
import { AsyncResult, type GetOptions, type ResultContext, type ResultOrigin } from './async-result.ts';
import { chunkSize, memberId, memberIds } from './list-values.ts';

/** How {@link GroupResult.join} gathers. */
export interface JoinOptions extends GetOptions {
  /** False: failed members stand in the list as their errors. @default true */
  readonly propagate?: boolean;
}

/** How many members are awaited at once by {@link GroupResult.iterate}. */
const windowSize = 2_000;

type ElementOf<T> = T extends readonly (infer Element)[] ? Element : unknown;

/**
 * A group that was sent. Its members' ids follow from its own, so it is the same size for ten members and a million; its
 * `id` is all that another process needs to get it back (`app.groupResult(id)`).
 */
export class GroupResult<T = unknown> extends AsyncResult<T> {
  readonly #origin: ResultOrigin;
  readonly #context: ResultContext;
  #size: number | undefined;
  #own: OwnIds | undefined;

  constructor(origin: ResultOrigin, context: ResultContext, size?: number, own?: OwnIds) {
    super(origin, context);
    this.#origin = origin;
    this.#context = context;
    this.#size = size;
    this.#own = own;
  }

  /** The result of a group without members and without an app: an empty list. */
  static empty(): GroupResult<[]> {
    return new EmptyGroupResult();
  }

  /** How many members it has. Members that a running one added (`self.addToChord`) are not counted. */
  async size(): Promise<number> {
    if (this.#size === undefined) this.#learn((await this.#records([this.id]))[0]);
    return this.#size ?? 0;
  }

  /** The result of one member. Of a group from `app.groupResult(id)` whose members have ids of their own, await `size()` before. */
  at(index: number): AsyncResult<ElementOf<T>> {
    const { notifiesThisProcess } = this.#origin;
    const id = this.#own?.[index] ?? memberId(this.id, index);
    return new AsyncResult<ElementOf<T>>({ id, notifiesThisProcess }, this.#context);
  }

  /** How many members have succeeded. */
  async completedCount(): Promise<number> {
    return this.#count((record) => record.state === 'SUCCESS');
  }

  /** Whether a member has failed or was revoked. */
  override async failed(): Promise<boolean> {
    const [record] = await this.#records([this.id]);
    if (record && isFinal(record)) return record.state !== 'SUCCESS';
    return (await this.#count((member) => isFinal(member) && member.state !== 'SUCCESS')) > 0;
  }

  /**
   * Each member's index and value as it ends. Throws the first failed member's error; with `propagate: false` the error
   * stands in the value's place. At most 2,000 are awaited at once, the lowest indexes first. A group of which nobody
   * knows the size (its members are still being sent, or nothing is stored of it) is awaited first, and its error thrown.
   */
  async *iterate(options: JoinOptions = {}): AsyncGenerator<[index: number, value: ElementOf<T>], void, undefined> {
    const { propagate = true, ...wait } = options;
    const size = (await this.size()) || (await this.#sizeAtEnd(wait));
    const waits = new Map<number, { cancel(): void }>();
    const arrivals = createArrivals<Arrival>();
    let next = 0;
    const fill = (): void => {
      for (; next < size && waits.size < windowSize; next++) this.#await(next, wait, { waits, arrivals });
    };
    try {
      fill();
      for (let seen = 0; seen < size; seen++) {
        const [index, result] = await arrivals.take();
        waits.delete(index);
        fill();
        if (result.status === 'fulfilled') yield [index, result.value as ElementOf<T>];
        else if (propagate) throw result.reason;
        else yield [index, result.reason as ElementOf<T>];
      }
    } finally {
      for (const wait of waits.values()) wait.cancel();
    }
  }

  /** The members' values in their order. With `propagate: false` it waits for all, and failed members stand as their errors. */
  async join(options: JoinOptions = {}): Promise<T> {
    const { propagate = true, ...wait } = options;
    if (propagate) return this.get(wait);
    const values: unknown[] = [];
    for await (const [index, value] of this.iterate(options)) values[index] = value;
    return values as T;
  }

  /**
   * `{ done, total, failed }` as members end, until the group has ended: the sum of its members. One that reports a share itself (a number
   * up to 1, or `done` and `total` or `of`) counts as that part of one. Members are looked at every 250 ms at first, later every 2 s.
   */
  override async *progress(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<unknown, void, undefined> {
    const { signal } = options;
    const counted: ProgressSum = { done: 0, failed: 0, open: undefined };
    let last = '';
    for (let pause = looks.first; !signal?.aborted; pause = Math.min(looks.longest, pause * 1.25)) {
      const [own] = await this.#records([this.id]);
      const total = await this.size();
      const now = await this.#sum(counted, total);
      const text = JSON.stringify(now);
      if (total > 0 && text !== last) yield now;
      last = text;
      if (own && isFinal(own)) return;
      await sleep(this.#context.clock, pause, signal).catch(() => undefined); // seen above
    }
  }

  /** Members that have ended are not looked at again. */
  async #sum(counted: ProgressSum, total: number): Promise<GroupProgress> {
    const open = counted.open ?? Array.from({ length: total }, (_, index) => index);
    const still: number[] = [];
    let parts = 0;
    for (let start = 0; start < open.length; start += chunkSize) {
      const chunk = open.slice(start, start + chunkSize);
      const records = await this.#records(chunk.map((index) => this.#own?.[index] ?? memberId(this.id, index)));
      for (const [at, record] of records.entries()) {
        if (record && isFinal(record)) {
          counted.done += 1;
          if (record.state !== 'SUCCESS') counted.failed += 1;
        } else {
          still.push(chunk[at] as number);
          parts += shareOf(record?.progress);
        }
      }
    }
    if (total > 0) counted.open = still;
    return { done: Math.round((counted.done + parts) * 1_000) / 1_000, total, failed: counted.failed };
  }

  async #sizeAtEnd(options: GetOptions): Promise<number> {
    if (this.#size !== undefined) return this.#size;
    const record = await this.wait(options);
    this.#learn(record);
    if (this.#size === undefined) await this.valueOf(record);
    return this.#size ?? 0;
  }

  #await(index: number, options: GetOptions, { waits, arrivals }: IterationState): void {
    const member = this.at(index);
    const waiting = member.startWait(options);
    waits.set(index, waiting);
    waiting.record
      .then((record) => member.valueOf(record))
      .then(
        (value) => arrivals.add([index, { status: 'fulfilled', value: value ?? null }]),
        (reason: unknown) => arrivals.add([index, { status: 'rejected', reason }]),
      );
  }

  async #count(matches: (record: OutcomeRecord) => boolean): Promise<number> {
    const size = await this.size();
    let count = 0;
    for (let start = 0; start < size; start += chunkSize) {
      const records = await this.#records(memberIds(this.id, start, Math.min(start + chunkSize, size), this.#own));
      for (const record of records) if (record && matches(record)) count += 1;
    }
    return count;
  }

  #learn(record: OutcomeRecord | undefined): void {
    const group = record?.list ?? (record?.plan?.kind === 'group' ? record.plan : undefined);
    this.#size = group?.size;
    this.#own = group?.own;
  }

  async #records(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    if (!this.#context.enabled) throw new NoResultBackendError(this.id);
    const { results } = await this.#context.stores();
    return results.get(ids);
  }
}

/** How far a group is. */
interface GroupProgress {
  /** Members that have ended, and the parts of those that run. */
  readonly done: number;
  readonly total: number;
  readonly failed: number;
}

interface ProgressSum {
  done: number;
  failed: number;
  /** Indexes of members that have not ended; undefined: all. */
  open: readonly number[] | undefined;
}

/** How often members are looked at, in milliseconds. */
const looks = { first: 250, longest: 2_000 };

/** The part of its work that a task says it has done; 0 where it says none. */
function shareOf(progress: unknown): number {
  const { done, total, of = total } = (progress ?? {}) as { done?: unknown; total?: unknown; of?: unknown };
  const share = typeof progress === 'number' ? progress : Number(done) / Number(of);
  return share >= 0 && share <= 1 ? share : 0;
}

interface IterationState {
  readonly waits: Map<number, { cancel(): void }>;
  readonly arrivals: Arrivals<Arrival>;
}

type Arrival = readonly [index: number, result: PromiseSettledResult<unknown>];

interface Arrivals<T> {
  add(value: T): void;
  take(): Promise<T>;
}

/** Values in the order they come, for one reader. */
function createArrivals<T>(): Arrivals<T> {
  const values: T[] = [];
  let first = 0;
  let wake: (() => void) | undefined;
  return {
    add(value) {
      values.push(value);
      wake?.();
    },
    async take() {
      while (first >= values.length) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return values[first++] as T;
    },
  };
}

class EmptyGroupResult extends GroupResult<[]> {
  constructor() {
    super({ id: newTaskId(), notifiesThisProcess: false }, undefined as never, 0); // every member that would need the app is overridden
  }
  override async get(): Promise<[]> {
    return [];
  }
  override async join(): Promise<[]> {
    return [];
  }
  override async completedCount(): Promise<number> {
    return 0;
  }
  override async *progress(): AsyncGenerator<unknown, void, undefined> {}
  override async state(): Promise<string> {
    return 'SUCCESS';
  }
  override async ready(): Promise<boolean> {
    return true;
  }
  override async successful(): Promise<boolean> {
    return true;
  }
  override async failed(): Promise<boolean> {
    return false;
  }
  override async info(): Promise<unknown> {
    return [];
  }
  override async forget(): Promise<void> {}
}
