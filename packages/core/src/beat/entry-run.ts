import type { AppRuntime } from '../app/app-runtime.ts';
import { LovageError } from '../errors.ts';
import { Backoff } from '../retry.ts';
import { dueSlots } from './due.ts';
import type { Entry } from './entry.ts';
import { fireSlot } from './fire.ts';
import { isUnderWay } from './overlap.ts';
import type { ScheduleRepository } from './schedule-repository.ts';
import type { Slots } from './slots.ts';

/** What the runs of all entries share. */
export interface RunContext {
  readonly runtime: AppRuntime;
  readonly repository: ScheduleRepository;
  /** Whether this beat may fire at this moment. */
  readonly mayFire: () => boolean;
  /** Told of each slot that was sent, and how late. */
  readonly onFired: (slot: number, lateBy: number) => void;
  readonly onError: () => void;
}

const retryPauses = { first: 500, longest: 5_000 };
/** How often an entry that is held back by its own last run looks whether that has ended. */
const overlapLook = 500;
const leaseCheck = 100;

/** One entry under a leader: which slots are decided, and when to look at it again. */
export class EntryRun {
  readonly #context: RunContext;
  #entry: Entry;
  #decided: number;
  /** The first slot after what is decided. */
  #next: { readonly after: number; readonly slot: number | undefined } | undefined;
  #heldBack = false;
  #retryAt: number | undefined;
  readonly #delays = new Backoff(retryPauses);

  constructor(context: RunContext, entry: Entry) {
    this.#context = context;
    this.#entry = entry;
    this.#decided = entry.decided;
  }

  /** Takes over what was changed in the store, and what other beats have done. */
  update(entry: Entry): void {
    const lastSlot = Math.max(entry.lastSlot ?? 0, this.#entry.lastSlot ?? 0);
    this.#entry = lastSlot > 0 ? { ...entry, lastSlot } : entry;
    this.#next = undefined;
    this.#decided = Math.max(this.#decided, entry.decided);
  }

  get name(): string {
    return this.#entry.name;
  }

  /** When it wants to be looked at; undefined: not before it changes. */
  get wakeAt(): number | undefined {
    if (!this.#active) return undefined;
    const slot = this.#nextAfterDecided();
    if (slot === undefined) return undefined;
    return Math.max(slot, this.#retryAt ?? 0);
  }

  /** The next slot that has not been decided. */
  get nextSlot(): number | undefined {
    return this.#active ? this.#nextAfterDecided() : undefined;
  }

  /** Found once: a search for a slot that never comes takes croner 330 ms, and any search some 20 µs for each of thousands of entries. */
  #nextAfterDecided(): number | undefined {
    if (this.#next?.after !== this.#decided)
      this.#next = { after: this.#decided, slot: this.#entry.slots.next(this.#decided) };
    return this.#next.slot;
  }

  /** Fires what is due. Never rejects: what could not be sent is tried again. */
  async runDue(now: number): Promise<void> {
    this.#retryAt = undefined;
    try {
      await this.#fireDue(now);
      this.#delays.reset();
    } catch (error) {
      this.#tryLater(error);
    }
  }

  get #active(): boolean {
    const { known, enabled, definition } = this.#entry;
    return known && enabled && definition.options.enabled;
  }

  async #fireDue(now: number): Promise<void> {
    const { catchUp, overlap } = this.#entry.definition.options;
    const first = this.#nextAfterDecided();
    if (first === undefined || first > now) return;
    const second = this.#entry.slots.next(first);
    const slots = second !== undefined && second <= now ? this.#entry.slots : onlySlot(first); // the common case searches once
    const due = dueSlots({ slots, after: this.#decided, now, catchUp, heldBack: this.#heldBack });
    const newest = slots.newest({ after: this.#decided, until: now }, 1)[0];
    if (newest === undefined) return;
    if (due.length > 0 && overlap !== 'allow' && (await this.#isUnderWay(now))) return this.#overlaps(newest, now);
    this.#heldBack = false;
    for (const slot of overlap === 'allow' ? due : due.slice(0, 1)) {
      if (!this.#context.mayFire()) return this.#standBack(now);
      await this.#fire(slot);
    }
    if (overlap === 'allow' || due.length === 0) this.#decided = Math.max(this.#decided, newest);
    if (this.#decided === first) this.#next = { after: first, slot: second };
  }

  async #fire(slot: number): Promise<void> {
    const { runtime, repository, onFired } = this.#context;
    try {
      await fireSlot(this.#entry, slot);
    } catch (error) {
      if (!isHopeless(error)) throw error;
      runtime.logger.error(`schedule "${this.#entry.name}": a slot cannot be sent, and is dropped`, { slot, error });
      this.#context.onError();
    }
    this.#decided = slot;
    this.#entry = { ...this.#entry, lastSlot: slot };
    onFired(slot, runtime.clock.now() - slot);
    await repository.markFired(this.#entry.name, slot).catch((error: unknown) => {
      // the slot's id keeps a successor from firing it again, so this costs nothing but a look
      runtime.logger.debug(`schedule "${this.#entry.name}": could not record a slot`, { slot, error });
    });
  }

  async #isUnderWay(now: number): Promise<boolean> {
    const { stores, settings } = this.#context.runtime;
    return isUnderWay(await stores.open(), this.#entry, settings.resultExpires, now);
  }

  async #overlaps(newest: number, now: number): Promise<void> {
    if (this.#entry.definition.options.overlap === 'queue') {
      this.#heldBack = true;
      this.#retryAt = now + overlapLook;
      return;
    }
    const { runtime, repository } = this.#context;
    runtime.logger.info(`schedule "${this.#entry.name}": the run before has not ended, slot dropped`, { slot: newest });
    this.#decided = newest;
    await repository.markDropped(this.#entry.name, newest);
  }

  /** The lease is not trusted at this moment: either it is renewed, or this run ends. */
  #standBack(now: number): void {
    this.#retryAt = now + leaseCheck;
  }

  #tryLater(error: unknown): void {
    const { runtime, onError } = this.#context;
    onError();
    const inMs = this.#delays.next();
    runtime.logger.warn(`schedule "${this.#entry.name}": could not fire, trying again`, { error, inMs });
    this.#retryAt = runtime.clock.now() + inMs;
  }
}

/** The slots of a range in which there is but one. */
function onlySlot(slot: number): Slots {
  return { next: () => slot, newest: () => [slot] };
}

/** An error of the call itself: another try would end the same. */
function isHopeless(error: unknown): boolean {
  return error instanceof LovageError && /^(TASK_|PAYLOAD_|CONFIGURATION|NOT_SUPPORTED)/.test(error.code);
}
