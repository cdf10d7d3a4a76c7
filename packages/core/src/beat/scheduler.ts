import type { AppRuntime } from '../app/app-runtime.ts';
import { DueRuns } from './due-runs.ts';
import type { Entry } from './entry.ts';
import { EntryRun, type RunContext } from './entry-run.ts';
import type { ScheduleRepository } from './schedule-repository.ts';

/** What a scheduler needs. */
export interface SchedulerOptions {
  readonly runtime: AppRuntime;
  readonly repository: ScheduleRepository;
  /** How often the entries are read again, in milliseconds; changes also ring. */
  readonly refresh: number;
}

/** What a scheduler has done since it was made. */
export interface SchedulerFigures {
  entries: number;
  fired: number;
  errors: number;
  /** Epoch ms of the last slot that was sent, and how late it was. */
  lastSlot: number | undefined;
  lastLateBy: number | undefined;
  /** Epoch ms of the last time it read the entries, as it does at every refresh; at first, when it began to fire. */
  lookedAt: number | undefined;
}

/** A slot that much later than its time was missed by somebody: what others did is read before it is fired. */
const missedAfter = 1_000;
const retry = 1_000;
/** So many changed entries are read one by one; more are read with all others. */
const mostChanged = 500;

/** Fires entries while it leads. Holds no state that a successor needs: that is in the store. */
export class Scheduler {
  readonly figures: SchedulerFigures = {
    entries: 0,
    fired: 0,
    errors: 0,
    lastSlot: undefined,
    lastLateBy: undefined,
    lookedAt: undefined,
  };
  readonly #options: SchedulerOptions;
  readonly #runs = new Map<string, EntryRun>();
  readonly #due = new DueRuns();
  /** The store's version when all entries were last read. */
  #version: string | undefined;
  /** Entries that were said to have changed since. */
  readonly #changed = new Set<string>();
  readonly #running = new Map<EntryRun, Promise<void>>();
  /** When to read the entries again, and when that was last tried. */
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => {};

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** The next slot of any entry, epoch ms; undefined while there is none, or it does not lead. */
  get nextSlot(): number | undefined {
    return earliest([this.#due.nextAt, ...[...this.#running.keys()].map((run) => run.nextSlot)]);
  }

  /** Fires until `signal` aborts; then resolves when nothing is under way. */
  async run(signal: AbortSignal, mayFire: () => boolean): Promise<void> {
    const stop = (): void => this.#wake();
    signal.addEventListener('abort', stop, { once: true });
    this.figures.lookedAt = this.#options.runtime.clock.now();
    const subscription = await this.#options.repository.listen((name) => this.#readSoon(name));
    try {
      this.#readAt = Number.NEGATIVE_INFINITY;
      while (!signal.aborted) await this.#turn(signal, this.#context(signal, mayFire));
      await Promise.all(this.#running.values());
    } finally {
      signal.removeEventListener('abort', stop);
      this.#runs.clear();
      this.#due.clear();
      this.#changed.clear();
      this.#version = undefined;
      await subscription?.close().catch(() => {}); // it ends with the connection
    }
  }

  #context(signal: AbortSignal, mayFire: () => boolean): RunContext {
    const { runtime, repository } = this.#options;
    return {
      runtime,
      repository,
      mayFire: () => !signal.aborted && mayFire(),
      onFired: (slot, lateBy) => {
        this.figures.fired += 1;
        this.figures.lastSlot = slot;
        this.figures.lastLateBy = lateBy;
      },
      onError: () => {
        this.figures.errors += 1;
      },
    };
  }

  async #turn(signal: AbortSignal, context: RunContext): Promise<void> {
    const { clock } = this.#options.runtime;
    if (this.#isLate(clock.now())) await this.#read(context, 'all');
    else if (clock.now() >= this.#readAt) await this.#read(context, 'when changed');
    if (this.#changed.size > 0) await this.#readChanged(context);
    const now = clock.now();
    for (let run = this.#due.take(now); run; run = this.#due.take(now)) this.#runDue(run, now);
    if (!signal.aborted) await this.#rest();
  }

  /** A leader that slept (paused, or just elected) first learns what was done meanwhile. */
  #isLate(now: number): boolean {
    const due = this.#due.nextAt;
    return due !== undefined && now - due > missedAfter && now - this.#triedAt > missedAfter;
  }

  #runDue(run: EntryRun, now: number): void {
    const running = run.runDue(now).then(() => {
      this.#running.delete(run);
      if (this.#runs.get(run.name) === run) this.#due.put(run);
      this.#wake();
    });
    this.#running.set(run, running);
  }

  #readSoon(name: string | undefined): void {
    if (name !== undefined && this.#changed.size < mostChanged) this.#changed.add(name);
    else {
      this.#readAt = Number.NEGATIVE_INFINITY;
      this.#version = undefined;
    }
    this.#wake();
  }

  /** Reads those that were said to have changed, so that a change costs the same whatever the number of entries. */
  async #readChanged(context: RunContext): Promise<void> {
    const { runtime, repository } = this.#options;
    const names = [...this.#changed];
    this.#changed.clear();
    try {
      const entries = await Promise.all(names.map((name) => repository.find(name)));
      for (const [index, name] of names.entries()) this.#take(context, name, entries[index]);
      this.figures.entries = this.#runs.size;
      this.figures.lookedAt = runtime.clock.now();
    } catch (error) {
      this.#failed(context, error);
    }
  }

  #take(context: RunContext, name: string, entry: Entry | undefined): void {
    const known = this.#runs.get(name);
    if (entry === undefined) {
      this.#runs.delete(name);
      if (known) this.#due.remove(known);
      return;
    }
    const run = known ?? new EntryRun(context, entry);
    this.#runs.set(name, run);
    known?.update(entry);
    if (!this.#running.has(run)) this.#due.put(run);
  }

  #failed(context: RunContext, error: unknown): void {
    const { clock, logger } = this.#options.runtime;
    context.onError();
    logger.warn('beat could not read the schedules, trying again', { error, inMs: retry });
    this.#version = undefined;
    this.#readAt = clock.now() + retry;
  }

  async #read(context: RunContext, which: 'all' | 'when changed'): Promise<void> {
    const { runtime, repository, refresh } = this.#options;
    try {
      this.#triedAt = runtime.clock.now();
      this.#readAt = this.#triedAt + refresh; // a ring from here on asks for another look
      const version = await repository.version();
      const same = version !== undefined && version === this.#version;
      if (which === 'all' || !same) await this.#readAll(context, version);
      this.figures.lookedAt = runtime.clock.now();
    } catch (error) {
      this.#failed(context, error);
    }
  }

  async #readAll(context: RunContext, version: string | undefined): Promise<void> {
    const { repository } = this.#options;
    this.#changed.clear();
    const entries = await repository.load();
    await repository.sync(entries);
    for (const name of this.#runs.keys()) if (!entries.has(name)) this.#take(context, name, undefined);
    for (const [name, entry] of entries) this.#take(context, name, entry);
    this.figures.entries = entries.size;
    this.#version = version;
  }

  /** Until the next slot, the next look at the store, or a ring. */
  #rest(): Promise<void> {
    const { clock } = this.#options.runtime;
    const until = this.#changed.size > 0 ? clock.now() : Math.min(this.#readAt, this.#due.nextAt ?? this.#readAt);
    return new Promise((resolve) => {
      const timer = clock.after(Math.max(0, until - clock.now()), () => this.#wake());
      this.#wake = () => {
        timer.cancel();
        this.#wake = () => {};
        resolve();
      };
    });
  }
}

function earliest(moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => Math.min(a, b));
}
