import { ConfigurationError } from '../errors.ts';
import { type Duration, type Instant, parseDuration, parseInstant } from '../options/duration.ts';
import { flag, oneOf, type Reader, readOptions, wholeNumber } from '../options/option-reader.ts';
import { isName } from '../options/well-formed.ts';
import type { CallOptions } from '../producer/call-options.ts';
import { type ScheduleTime, timeZone } from './schedule-time.ts';

/** Missed slots that one entry makes up for, at most. */
export const mostCatchUp = 1_000;

/** What beat does about slots that passed while no beat was leading: drops them, fires the newest, or the newest `all`. */
export type CatchUp = 'skip' | 'once' | { readonly all: number };

/** What beat does while the run before still waits or runs: drops the slot, lets it wait for its end, or fires. */
export type Overlap = 'skip' | 'queue' | 'allow';

/** Options of one entry. */
export interface ScheduleOptions {
  /** Slots that were missed. `skip` drops what is more than 30 s late; `{ all: n }` fires the newest n. @default 'once' */
  readonly catchUp?: CatchUp;
  /** What to do while the run before has not ended. @default 'allow' */
  readonly overlap?: Overlap;
  /** Delays each run by an amount between zero and this, the same for every beat that computes it. @default 0 */
  readonly jitter?: Duration;
  /** False: declared, and not fired. @default true */
  readonly enabled?: boolean;
  /** No slot before this moment; the slots of `every` are counted from it. @default none */
  readonly start?: Instant;
  /** No slot at or after this moment. @default none */
  readonly end?: Instant;
  /** The time zone of a crontab that names none. @default 'UTC' */
  readonly tz?: string;
}

/** {@link ScheduleOptions} with times in epoch milliseconds; the time zone has gone to the crontab. */
export interface ResolvedScheduleOptions {
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  readonly jitter: number;
  readonly enabled: boolean;
  readonly start?: number;
  readonly end?: number;
}

/** What can be scheduled: a signature or a canvas without open arguments. */
export interface Schedulable {
  applyAsync(args: [], options?: CallOptions): Promise<unknown>;
  toJSON(): unknown;
}

/** An entry as the code declares it. */
export interface ScheduleDeclaration {
  readonly name: string;
  readonly when: ScheduleTime;
  readonly signature: Schedulable;
  readonly options: ResolvedScheduleOptions;
}

const catchUp: Reader<CatchUp> = (value, where) => {
  if (value === 'skip' || value === 'once') return value;
  if (typeof value === 'object' && value !== null) {
    const { all } = readOptions(value, { all: wholeNumber(1, mostCatchUp) }, where);
    if (all !== undefined) return { all };
  }
  throw new ConfigurationError(`${where}: expected "skip", "once" or { all: 1–1000 }`);
};

const table = {
  catchUp,
  overlap: oneOf('skip', 'queue', 'allow'),
  jitter: parseDuration,
  enabled: flag,
  start: parseInstant,
  end: parseInstant,
  tz: timeZone,
};

/** The parts of an entry, read and checked. Throws {@link ConfigurationError}. */
export function readSchedule(
  name: string,
  when: ScheduleTime,
  given: ScheduleOptions = {},
): Omit<ScheduleDeclaration, 'signature'> {
  const where = `schedule "${scheduleName(name)}"`;
  const { tz, ...read } = readOptions(given, table, where);
  const { start, end } = read;
  if (start !== undefined && end !== undefined && end <= start) {
    throw new ConfigurationError(`${where}: option end (${iso(end)}) is not after start (${iso(start)})`);
  }
  const options = { catchUp: 'once', overlap: 'allow', jitter: 0, enabled: true, ...read } as const;
  return { name, when: inZone(when, tz, where), options };
}

function inZone(when: ScheduleTime, tz: string | undefined, where: string): ScheduleTime {
  if (typeof when?.kind !== 'string') {
    throw new ConfigurationError(`${where}: the second parameter is every('30s'), crontab('0 3 * * *') or at(date)`);
  }
  if (tz === undefined) return when;
  if (when.kind === 'crontab') return { ...when, tz: when.tz ?? tz };
  throw new ConfigurationError(`${where}: option tz is for a crontab: the slots of ${when.kind} are in no time zone`);
}

/** A name that tools, ids and keys can carry. */
export function scheduleName(name: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (isName(name) && name.trim() !== '' && name.length <= 200 && !/[\u0000-\u001f]/.test(name)) return name;
  throw new ConfigurationError(
    `a schedule's name is well-formed text of 1 to 200 characters, received ${JSON.stringify(name)}`,
  );
}

/** The entries that the app's code declares. Beat reads them; nothing here fires anything. */
export class ScheduleDeclarations {
  readonly #entries = new Map<string, ScheduleDeclaration>();

  /** Throws {@link ConfigurationError}: bad options, a second entry of that name, something that cannot be sent. */
  add(name: string, when: ScheduleTime, signature: Schedulable, options?: ScheduleOptions): void {
    const entry = readSchedule(name, when, options);
    if (this.#entries.has(name)) {
      throw new ConfigurationError(
        `schedule "${name}" is already declared in this app: give one of the two another name`,
      );
    }
    if (typeof signature?.applyAsync !== 'function' || typeof signature.toJSON !== 'function') {
      throw new ConfigurationError(
        `schedule "${name}": the third parameter is a signature: task.s(…), not the task itself`,
      );
    }
    this.#entries.set(name, { ...entry, signature });
  }

  get(name: string): ScheduleDeclaration | undefined {
    return this.#entries.get(name);
  }

  list(): readonly ScheduleDeclaration[] {
    return [...this.#entries.values()];
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
