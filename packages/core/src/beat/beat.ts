import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import { UnknownTaskError } from '../errors.ts';
import { Election } from '../locks/elect.ts';
import { leaseTtl } from '../locks/lock.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { flag, readOptions } from '../options/option-reader.ts';
import { tasksIn } from './entry.ts';
import { assertOverlapCanBeSeen } from './overlap.ts';
import { ScheduleRepository } from './schedule-repository.ts';
import { Scheduler } from './scheduler.ts';

/** Options of {@link startBeat}. */
export interface BeatOptions {
  /** How long a leader that died is waited for before another beat leads. @default '15s' */
  readonly lease?: Duration;
  /** False: fire without asking who leads. Slots still run once each; every beat publishes all of them. @default true */
  readonly elect?: boolean;
  /** How often entries that were changed at run time are looked for; changes also ring over the bus. @default '5s' */
  readonly refresh?: Duration;
  /** Throw when the broker cannot be reached at the start, instead of trying until it can. @default false */
  readonly exitOnBrokerLoss?: boolean;
}

/** What a beat says of itself. */
export interface BeatHealth {
  /** False when it should fire and does not: its loop is stuck, or the store does not answer. */
  readonly healthy: boolean;
  readonly leading: boolean;
  /** The fencing token of its leadership. */
  readonly fence: number | undefined;
  readonly entries: number;
  /** Slots sent, and failures to read or send, since it started. */
  readonly fired: number;
  readonly errors: number;
  /** The last slot that was sent, epoch ms, and how late it was. */
  readonly lastSlot: number | undefined;
  readonly lastLateBy: number | undefined;
  /** The next slot of any entry, epoch ms, while it leads. */
  readonly nextSlot: number | undefined;
  /** Names of stored entries that are not fired since they cannot be read (an unknown time zone, say). */
  readonly setAside: readonly string[];
}

const checkTimeout = 5_000;
/** A loop that has not looked for so much longer than it should have is stuck. */
const stuckAfter = 10_000;

const table = { lease: leaseTtl, elect: flag, refresh: parseDuration, exitOnBrokerLoss: flag };
const defaults = { lease: 15_000, elect: true, refresh: 5_000, exitOnBrokerLoss: false };

/** A running beat; {@link startBeat} makes it. */
export class Beat {
  readonly #runtime: AppRuntime;
  readonly #scheduler: Scheduler;
  readonly #repository: ScheduleRepository;
  readonly #refresh: number;
  readonly #election: Election | undefined;
  readonly #stop = new AbortController();
  readonly #alone: Promise<void> | undefined;
  readonly #forget: () => void;

  /** @internal Made by {@link startBeat}. */
  constructor(runtime: AppRuntime, repository: ScheduleRepository, options: typeof defaults) {
    this.#runtime = runtime;
    this.#refresh = options.refresh;
    this.#repository = repository;
    this.#scheduler = new Scheduler({ runtime, repository, refresh: options.refresh });
    const { clock, logger, leases, closers } = runtime;
    if (options.elect) {
      const onLeader = (signal: AbortSignal, fence: number): Promise<void> => this.#lead(signal, fence);
      const election = { onLeader, ttl: options.lease };
      this.#election = new Election({ clock, logger, queue: leases, closers }, `beat/${runtime.name}`, election);
    } else {
      this.#alone = this.#scheduler.run(this.#stop.signal, () => true);
    }
    const close = (): Promise<void> => this.close();
    closers.add(close);
    this.#forget = () => void closers.delete(close);
  }

  /** Whether this beat fires: it leads, by the monotonic clock, or was told not to ask. */
  get leading(): boolean {
    return this.#election?.leading ?? !this.#stop.signal.aborted;
  }

  /** How it is. A beat that stands by is healthy. */
  health(): BeatHealth {
    const { figures, nextSlot } = this.#scheduler;
    const { leading } = this;
    const stuck =
      this.#runtime.clock.now() - (figures.lookedAt ?? this.#runtime.clock.now()) > this.#refresh + stuckAfter;
    const { entries, fired, errors, lastSlot, lastLateBy } = figures;
    const fence = this.#election?.fence;
    const healthy = !(leading && stuck);
    const { setAside } = this.#repository;
    return { healthy, leading, fence, entries, fired, errors, lastSlot, lastLateBy, nextSlot, setAside };
  }

  /** Stops firing, ends what is being sent, and lets another beat lead at once. May be called twice. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#election?.close();
    await this.#alone;
    this.#forget();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #lead(signal: AbortSignal, fence: number): Promise<void> {
    this.#runtime.logger.info('beat leads', { app: this.#runtime.name, fence });
    await this.#scheduler.run(signal, () => this.leading);
    if (!this.#stop.signal.aborted)
      this.#runtime.logger.warn('beat leads no longer', { app: this.#runtime.name, fence });
  }
}

/**
 * Starts a beat in this process: it fires the app's periodic entries while it leads, and stands by while another does.
 * Throws {@link UnknownTaskError} for a declared entry of a task that the app does not know, {@link ConfigurationError},
 * {@link NotSupportedError}, {@link BrokerAuthenticationError}, {@link BrokerUnavailableError} (with `exitOnBrokerLoss`).
 */
export async function startBeat(app: Lovage, options: BeatOptions = {}): Promise<Beat> {
  const runtime = runtimeOf(app);
  const resolved = { ...defaults, ...readOptions(options, table, 'startBeat') };
  for (const { name, signature } of runtime.schedules.list()) assertKnown(runtime, name, signature.toJSON());
  await runtime.plugins.emitAndWait('beatInit', { app: runtime.name });
  const stores = await runtime.stores.open();
  const repository = new ScheduleRepository(app);
  try {
    await stores.brokerConnection.check(checkTimeout);
    assertOverlapCanBeSeen(stores, (await repository.load()).values());
  } catch (error) {
    const code = (error as { readonly code?: string }).code;
    if (certain.has(code ?? '') || resolved.exitOnBrokerLoss) throw error;
    runtime.logger.warn(`broker ${runtime.stores.display} cannot be reached, beat tries on`, { error });
  }
  return new Beat(runtime, repository, resolved);
}

/** What trying again does not change. */
const certain: ReadonlySet<string> = new Set(['BROKER_AUTHENTICATION', 'BROKER_TLS', 'NOT_SUPPORTED']);

/** Every task of an entry is one of the app's, or one it has a stub of. */
export function assertKnown({ registry, remotes }: AppRuntime, schedule: string, json: unknown): void {
  for (const task of tasksIn(json)) {
    if (registry.get(task) || remotes.has(task)) continue;
    const closest = registry.closest(task);
    const hint = closest ? `did you mean "${closest}"?` : 'define it, or declare it with app.remote(name)';
    throw new UnknownTaskError(task, `schedule "${schedule}" would send it; ${hint}`);
  }
}
