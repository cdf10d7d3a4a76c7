import type { Broker } from '../driver/broker.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { AcquireRequest, HeldSlot, Semaphore, SlotHolder, Urgency } from '../driver/semaphore.ts';
import { NotSupportedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { Message } from '../message/message.ts';
import { isFinal } from '../message/outcome.ts';
import { AcquireBatcher } from './acquire-batcher.ts';
import { isOrder, requestAtPublish, runsFirst } from './acquire-request.ts';
import { OrphanScanner } from './orphaned-messages.ts';

/** What the places are kept in, and what tells whether a holder is still there. */
export interface SemaphoreStores {
  readonly broker: Broker;
  readonly semaphore: Semaphore | undefined;
  readonly monitor: Monitor | undefined;
  readonly results: ResultBackend | undefined;
}

/** What {@link ConcurrencyLimiter} needs. */
export interface ConcurrencyLimiterContext {
  readonly stores: () => Promise<SemaphoreStores>;
  readonly logger: Logger;
  /** How long a publish may take, in milliseconds: so long a message may be missing that has entered. */
  readonly publishTimeout: number;
}

/** How many who wait are looked at together, once one of them was found to be gone. */
const checkedAtOnce = 500;
/** A thousand groups take Redis about 10 ms. */
const overdue = { interval: 1_500, minHeldMs: 1_000, limit: 1_000 };

/**
 * Lets messages in and out. The message of whoever waits is held in the broker; who leaves makes the next one ready, so
 * nobody polls. Between the two steps a process may die: {@link ConcurrencyLimiter.reconcile} finds what was left.
 */
export class ConcurrencyLimiter {
  readonly #context: ConcurrencyLimiterContext;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #batch = new AcquireBatcher((entries) => this.#enter(entries, 'must'));
  readonly #unconfirmed: AcquireRequest[] = [];
  #confirming: Promise<void> | undefined;
  readonly #orphans = new OrphanScanner();

  constructor(context: ConcurrencyLimiterContext) {
    this.#context = context;
  }

  /**
   * The messages, those that have to wait for their turn marked as held. Throws {@link NotSupportedError} where the broker
   * cannot hold messages.
   */
  async acquireAll(messages: readonly Message[]): Promise<readonly Message[]> {
    const entries = messages.map(requestAtPublish);
    const fences = await this.#enter(
      entries.filter((entry) => entry !== undefined),
      'may',
    );
    let next = 0;
    return messages.map((message, index) =>
      entries[index] !== undefined && fences[next++] === 0 ? blockedWhenSent(message) : message,
    );
  }

  /**
   * Asks once more for messages that have just become held: a place that was given to one before its message was there
   * found nothing to make ready. Never rejects: {@link ConcurrencyLimiter.reconcile} would find it too.
   */
  async confirm(messages: readonly Message[]): Promise<void> {
    await this.#confirm(messages.flatMap((message) => (message.held ? (requestAtPublish(message) ?? []) : [])));
  }

  /** As {@link ConcurrencyLimiter.confirm}, for one. What is held while others are asked for is asked for together, after them. */
  confirmRequest(entry: AcquireRequest): Promise<void> {
    this.#unconfirmed.push(entry);
    this.#confirming ??= this.#confirmAll();
    return this.#confirming;
  }

  async #confirmAll(): Promise<void> {
    while (this.#unconfirmed.length > 0) await this.#confirm(this.#unconfirmed.splice(0));
    this.#confirming = undefined; // in the step that found none left: whoever comes next begins anew
  }

  #confirm(entries: readonly AcquireRequest[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    return this.#logErrors('could not confirm a blocked message', async () => {
      const fences = await this.#enter(entries, 'must');
      await this.#wake(entries.filter((_, index) => fences[index] !== 0));
    });
  }

  /** The entry's fencing token, or 0: it has to wait. */
  acquire(entry: AcquireRequest): Promise<number> {
    return this.#batch.add(entry);
  }

  async #enter(entries: readonly AcquireRequest[], urgency: Urgency): Promise<readonly number[]> {
    if (entries.length === 0) return [];
    const { fencingTokens: fences, others } = await (await this.#semaphore()).acquire(entries, urgency);
    if (others.length > 0) await this.#wake(others);
    return fences;
  }

  /** Gives a place back, and lets the next one in: in one round trip where the driver can. Never rejects. */
  release(entry: AcquireRequest): Promise<void> {
    return this.#logErrors('could not release a concurrency slot', async () => {
      const semaphore = await this.#semaphore();
      const left = semaphore.releaseAndUnblock
        ? await semaphore.releaseAndUnblock(entry, runsFirst(entry.group))
        : await semaphore.release([entry], 'holders');
      if (left.length > 0) await this.#wake(left);
    });
  }

  /** Keeps a place closed until {@link ConcurrencyLimiter.resume}. Never rejects. */
  halt(place: SlotHolder): Promise<void> {
    return this.#logErrors('could not halt a key', async () => (await this.#semaphore()).halt(place));
  }

  async halted(): Promise<readonly SlotHolder[]> {
    return (await this.#semaphore()).halted();
  }

  /** Opens a halted group again. False when it was not halted. */
  async resume(group: string): Promise<boolean> {
    const place = (await this.halted()).find((halted) => halted.group === group);
    if (place === undefined) return false;
    await this.#leave([place]);
    return true;
  }

  /** Resolves when nothing that was asked for is under way. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0 || this.#confirming) await Promise.all([...this.#underWay, this.#confirming]);
  }

  /**
   * Looks after places whose holders have not moved for a while: makes those ready that were let in and not told, and takes
   * the places of messages that are gone (their process died in between, or they were purged). And after held messages that
   * no line knows.
   */
  async reconcile(): Promise<void> {
    const { monitor } = await this.#context.stores();
    const semaphore = await this.#semaphore();
    const places = await semaphore.overdue(overdue);
    if (monitor === undefined || places === undefined) return;
    if (places.length > 0) await this.#reconcileSlots(monitor, places);
    const orphaned = await this.#orphans.scan(semaphore, monitor);
    if (orphaned.length === 0) return;
    this.#context.logger.warn('re-queued blocked messages that had no limiter entry', { messages: orphaned.length });
    await this.#confirm(orphaned);
  }

  async #reconcileSlots(monitor: Monitor, places: readonly HeldSlot[]): Promise<void> {
    const found = await locate(monitor, places);
    const delayed = places.filter((_, index) => found[index] === 'delayed');
    const waiting = await this.#waitingForTime(monitor, await this.#promote(delayed));
    const missing = places.filter((_, index) => found[index] === undefined);
    const ended = new Set(await this.#ended(missing));
    const gone = missing.filter((place) => ended.has(place) || place.heldFor > this.#context.publishTimeout + 1_000);
    if (gone.length > 0)
      this.#context.logger.warn('freed concurrency slots of messages that no longer exist', { places: gone.length });
    await this.#leave(gone);
    await this.#leave(waiting, 'holders');
  }

  /** Of delayed messages that were not held, those that wait for a time, as a retry does: they enter again. */
  async #waitingForTime(monitor: Monitor, places: readonly SlotHolder[]): Promise<readonly SlotHolder[]> {
    const others = places.filter(({ group }) => !isOrder(group));
    const found = others.length === 0 ? [] : await locate(monitor, others); // another may have made it ready meanwhile
    return others.filter((_, index) => found[index] === 'delayed');
  }

  async #leave(places: readonly SlotHolder[], only?: 'holders'): Promise<void> {
    if (places.length > 0) await this.#wake(await (await this.#semaphore()).release(places, only));
  }

  /** Makes the messages of those ready who are in now; where one is gone, the next one gets its place. */
  async #wake(acquired: readonly SlotHolder[]): Promise<void> {
    for (let places = acquired; places.length > 0; ) {
      const missing = await this.#promote(places);
      const gone = missing.length > 0 ? await this.#endedHolders(missing) : [];
      places = gone.length > 0 ? await (await this.#semaphore()).release(gone) : [];
    }
  }

  /** Makes held messages ready; returns the places of those that were not held. */
  async #promote(places: readonly SlotHolder[]): Promise<readonly SlotHolder[]> {
    if (places.length === 0) return [];
    const { broker } = await this.#context.stores();
    const promoted = await broker.unblock?.(
      places.map(({ queue, id, group }) => ({ queue, id, first: runsFirst(group) })),
    );
    return places.filter((_, index) => !promoted?.[index]);
  }

  /** Of those whose message is not there, the ones whose task has ended: revoked, or purged. And of those behind them. */
  async #endedHolders(missing: readonly SlotHolder[]): Promise<readonly SlotHolder[]> {
    const gone = await this.#absentAndEnded(missing);
    if (gone.length === 0) return [];
    const semaphore = await this.#semaphore();
    const groups = [...new Set(gone.map(({ group }) => group))];
    const lines = await Promise.all(groups.map((group) => semaphore.waitingList(group, checkedAtOnce)));
    return [...gone, ...(await this.#absentAndEnded(lines.flat()))];
  }

  async #absentAndEnded(places: readonly SlotHolder[]): Promise<readonly SlotHolder[]> {
    const { monitor } = await this.#context.stores();
    if (monitor === undefined || places.length === 0) return [];
    const found = await locate(monitor, places);
    return this.#ended(places.filter((_, index) => found[index] === undefined));
  }

  async #ended<P extends SlotHolder>(places: readonly P[]): Promise<readonly P[]> {
    const { results } = await this.#context.stores();
    if (results === undefined || places.length === 0) return [];
    const records = await results.get(places.map(({ id }) => id));
    return places.filter((_, index) => {
      const record = records[index];
      return record !== undefined && isFinal(record);
    });
  }

  async #semaphore(): Promise<Semaphore> {
    const { semaphore, broker } = await this.#context.stores();
    if (semaphore !== undefined && broker.unblock !== undefined) return semaphore;
    throw new NotSupportedError('`concurrency`, `orderingKey` and `fairness`: this broker cannot block messages');
  }

  #logErrors(what: string, work: () => Promise<unknown>): Promise<void> {
    const done = work().then(
      () => {},
      (error: unknown) => this.#context.logger.warn(`${what}: the next reconciliation repairs it`, { error }),
    );
    this.#underWay.add(done);
    return done.finally(() => this.#underWay.delete(done));
  }
}

/** A message that is sent once more has no line but that of now. */
function blockedWhenSent({ turn, ...message }: Message): Message {
  const { at: _at, ...rest } = turn ?? {};
  return { ...message, turn: rest, held: true };
}

/** Where the messages are, asked for queue by queue. */
async function locate(
  monitor: Monitor,
  places: readonly SlotHolder[],
): Promise<readonly Awaited<ReturnType<Monitor['locate']>>[number][]> {
  const found = new Map<SlotHolder, Awaited<ReturnType<Monitor['locate']>>[number]>();
  for (const queue of new Set(places.map((place) => place.queue))) {
    const here = places.filter((place) => place.queue === queue);
    const at = await monitor.locate(
      here.map(({ id }) => id),
      [queue],
    );
    for (const [index, place] of here.entries()) found.set(place, at[index]);
  }
  return places.map((place) => found.get(place));
}
