import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import { ConfigurationError, UnknownScheduleError } from '../errors.ts';
import { encodeArgs } from '../message/payload-codec.ts';
import { formatDuration } from '../options/duration.ts';
import { closestName, wholeNumber } from '../options/option-reader.ts';
import type { AsyncResult } from '../results/async-result.ts';
import {
  type CatchUp,
  type Overlap,
  readSchedule,
  type Schedulable,
  type ScheduleOptions,
} from '../schedules/schedule.ts';
import type { ScheduleTime } from '../schedules/schedule-time.ts';
import { assertKnown } from './beat.ts';
import { type Entry, type EntryDefinition, tasksIn } from './entry.ts';
import { scheduleHeader } from './fire.ts';
import { ScheduleRepository } from './schedule-repository.ts';
import { slotsOf } from './slots.ts';

/** An entry, seen from outside. */
export interface ScheduleView {
  readonly name: string;
  /** `code`: declared by the app; `api`: added at run time. */
  readonly source: 'code' | 'api';
  /** `paused`: by somebody; `disabled`: by its options; `ended`: no slot is left; `unknown`: declared by other code. */
  readonly state: 'active' | 'paused' | 'disabled' | 'ended' | 'unknown';
  readonly when: ScheduleTime;
  /** For people: `every 30s`, `0 3 * * 1-5 (Europe/Paris)`. */
  readonly whenText: string;
  /** The tasks it sends. */
  readonly tasks: readonly string[];
  readonly signature: Readonly<Record<string, unknown>>;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  /** Milliseconds. */
  readonly jitter: number;
  readonly start: Date | undefined;
  readonly end: Date | undefined;
  /** The last slot that was fired. */
  readonly lastSlot: Date | undefined;
  /** The next slot; undefined while none is to be fired. */
  readonly nextSlot: Date | undefined;
}

/** The periodic entries of an app: those of its code, to look at and to pause, and others to add and to remove at run time. */
export class Schedules {
  readonly #runtime: AppRuntime;
  readonly #repository: ScheduleRepository;

  constructor(app: Lovage) {
    this.#runtime = runtimeOf(app);
    this.#repository = new ScheduleRepository(app);
  }

  /** All entries, by name. */
  async list(): Promise<readonly ScheduleView[]> {
    const entries = [...(await this.#repository.load()).values()];
    return entries.map((entry) => this.#view(entry)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws {@link UnknownScheduleError}, as all that follow. */
  async show(name: string): Promise<ScheduleView> {
    return this.#view(await this.#find(name));
  }

  /**
   * Adds an entry, or with `replace` changes one that was added before. Every beat knows it at once. Throws
   * {@link ConfigurationError} (options, or a name that is taken) and {@link UnknownTaskError}.
   */
  async add(
    name: string,
    when: ScheduleTime,
    signature: Schedulable,
    { replace = false, ...options }: ScheduleOptions & { readonly replace?: boolean } = {},
  ): Promise<ScheduleView> {
    const read = readSchedule(name, when, options);
    const json = await this.#plainJson(name, signature);
    assertKnown(this.#runtime, name, json);
    const before = await this.#repository.find(name);
    if (before?.definition.source === 'code') {
      throw new ConfigurationError(
        `schedule "${name}" is declared in code: change it there, or give the new one another name`,
      );
    }
    if (before && !replace)
      throw new ConfigurationError(`schedule "${name}" exists: remove it first, or pass replace: true`);
    const since = this.#runtime.clock.now();
    const definition: EntryDefinition = {
      ...{ v: 1, app: this.#runtime.name, name, source: 'api', since },
      ...{ when: read.when, options: read.options, signature: json },
    };
    await this.#repository.save({ definition, enabled: true });
    await this.#repository.notify(name);
    return this.show(name);
  }

  /** Stops firing it, until {@link Schedules.resume}; a restart and a new release keep it paused. */
  async pause(name: string): Promise<void> {
    await this.#switch(name, false);
  }

  /** Fires it again, from now on: slots that passed while it was paused are not owed. */
  async resume(name: string): Promise<void> {
    await this.#switch(name, true);
  }

  /** Sends it now, beside its slots; overlap and the switch are not asked. */
  async run(name: string): Promise<AsyncResult> {
    const entry = await this.#find(name);
    const sent = await entry.signature.applyAsync([], scheduleHeader(entry, this.#runtime.clock.now()));
    return sent as AsyncResult; // every signature gives one
  }

  /** Deletes an entry that was added at run time, or the rest of one that code no longer declares. */
  async remove(name: string): Promise<void> {
    const entry = await this.#repository.find(name);
    if (!entry && this.#repository.setAside.includes(name)) return this.#remove(name);
    const { definition, known } = entry ?? (await this.#find(name));
    if (definition.source === 'code' && known) {
      throw new ConfigurationError(`schedule "${name}" is declared in code: remove it there, or pause it`);
    }
    await this.#remove(name);
  }

  /** Names of stored entries that cannot be read (an unknown time zone, say): they are not fired, and can be removed. */
  async setAside(): Promise<readonly string[]> {
    await this.#repository.load();
    return this.#repository.setAside;
  }

  async #remove(name: string): Promise<void> {
    await this.#repository.remove(name);
    await this.#repository.notify(name);
  }

  /** The next `count` slots, whether it is paused or not. */
  async next(name: string, count = 5): Promise<readonly Date[]> {
    wholeNumber(1, 1000)(count, 'schedules.next: count');
    return nextSlots(await this.#find(name), this.#runtime.clock.now(), count);
  }

  async #switch(name: string, enabled: boolean): Promise<void> {
    const { definition, enabled: before } = await this.#find(name);
    if (enabled && !definition.options.enabled) {
      throw new ConfigurationError(`schedule "${name}" is disabled by its own options (enabled: false): change them`);
    }
    const since = enabled && !before ? this.#runtime.clock.now() : definition.since;
    await this.#repository.save({ definition: { ...definition, since }, enabled });
    await this.#repository.notify(name);
  }

  /** The signature as the store keeps it: what cannot be sent is refused here, not at three in the morning. */
  async #plainJson(name: string, signature: Schedulable): Promise<EntryDefinition['signature']> {
    if (typeof signature?.toJSON !== 'function') {
      throw new ConfigurationError(
        `schedule "${name}": the third parameter is a signature: task.s(…), not the task itself`,
      );
    }
    const { registry, settings } = this.#runtime;
    const limit = { bytes: settings.maxPayload, option: 'maxPayload' };
    const json = signature.toJSON() as { readonly task?: unknown; readonly args?: readonly unknown[] };
    const definition = typeof json.task === 'string' ? registry.get(json.task) : undefined;
    const args = definition && json.args ? { args: await encodeArgs(definition.payload, json.args, limit) } : {};
    const [plain] = await encodeArgs({ name: `schedule ${name}` }, [{ ...json, ...args }], limit);
    return plain as EntryDefinition['signature'];
  }

  async #find(name: string): Promise<Entry> {
    const entry = await this.#repository.find(name);
    if (entry) return entry;
    const entries = await this.#repository.load();
    const closest = closestName(name, [...entries.keys()]);
    throw new UnknownScheduleError(
      name,
      closest ? `did you mean "${closest}"?` : `this app has ${entries.size} schedules`,
    );
  }

  #view(entry: Entry): ScheduleView {
    const { definition, lastSlot } = entry;
    const { options, when } = definition;
    const now = this.#runtime.clock.now();
    const state = stateOf(entry, now);
    return {
      ...{ name: entry.name, source: definition.source, state, when, whenText: describe(when) },
      ...{ tasks: tasksIn(definition.signature), signature: definition.signature },
      ...{ catchUp: options.catchUp, overlap: options.overlap, jitter: options.jitter },
      start: dateOf(options.start),
      end: dateOf(options.end),
      lastSlot: dateOf(lastSlot),
      nextSlot: state === 'active' ? nextSlots(entry, now, 1)[0] : undefined,
    };
  }
}

/** The next slots of a schedule time that is no entry (yet): for previews. */
export function previewSlots(when: ScheduleTime, after: Date, count: number): readonly Date[] {
  return nextSlots({ slots: slotsOf(when) }, after.getTime(), count);
}

function nextSlots({ slots }: Pick<Entry, 'slots'>, now: number, count: number): readonly Date[] {
  const found: Date[] = [];
  for (let slot = slots.next(now); slot !== undefined && found.length < count; slot = slots.next(slot)) {
    found.push(new Date(slot));
  }
  return found;
}

function stateOf({ known, enabled, definition, slots }: Entry, now: number): ScheduleView['state'] {
  if (!known) return 'unknown';
  if (!definition.options.enabled) return 'disabled';
  if (!enabled) return 'paused';
  return slots.next(now) === undefined ? 'ended' : 'active';
}

function describe(when: ScheduleTime): string {
  switch (when.kind) {
    case 'every':
      return `every ${formatDuration(when.every)}`;
    case 'crontab':
      return `${when.pattern} (${when.tz ?? 'UTC'}${when.clockChange ? `, ${when.clockChange}` : ''})`;
    case 'at':
      return `at ${new Date(when.at).toISOString()}`;
    default:
      return when satisfies never;
  }
}

const dateOf = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms));
