import { ConfigurationError } from '../errors.ts';
import { limits } from './limits.ts';
import { illFormed, isName } from './well-formed.ts';

/** Reads one option's value, or throws a {@link ConfigurationError} that begins with `where`. */
export type Reader<T> = (value: unknown, where: string) => T;

/** A table of the options that exist in one place. */
export type OptionTable = Readonly<Record<string, Reader<unknown>>>;

/** What a table yields: only the options that were given. */
export type ReadOptions<T extends OptionTable> = { readonly [K in keyof T]?: ReturnType<T[K]> };

/**
 * Reads the given options by their table. An option given as undefined counts as not given; an unknown one is an error
 * that names the closest known one. `where` says whose options these are, as in `task "math.add"`.
 */
export function readOptions<T extends OptionTable>(given: object, table: T, where: string): ReadOptions<T> {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(given)) {
    const value = (given as Record<string, unknown>)[key];
    const reader = Object.hasOwn(table, key) ? table[key] : undefined;
    if (reader === undefined) throw unknownName('option', key, Object.keys(table), where);
    if (value !== undefined) result[key] = reader(value, `${where}: option ${key}`);
  }
  return result as ReadOptions<T>;
}

/** "unknown option "quue" of task "a": did you mean "queue"?" */
export function unknownName(kind: string, name: string, known: readonly string[], where: string): ConfigurationError {
  const closest = closestName(name, known);
  const hint = closest ? `did you mean "${closest}"?` : `known: ${known.join(', ') || 'none'}`;
  return new ConfigurationError(`${where}: unknown ${kind} "${name}": ${hint}`);
}

/** The known name nearest to a mistyped one, if one is near enough to be meant. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance over one rolling row. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] as number;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] as number;
      const change = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above + 1, (row[j - 1] as number) + 1, change);
      diagonal = above;
    }
  }
  return row[b.length] as number;
}

const wrong = (where: string, value: unknown, expected: string): ConfigurationError =>
  new ConfigurationError(
    `${where}: expected ${expected}, received ${typeof value === 'string' ? `"${value}"` : String(value)}`,
  );

/** A text that is not empty, and that a store keeps as it is. */
export const text: Reader<string> = (value, where) => {
  if (isName(value)) return value;
  if (typeof value === 'string' && value !== '') throw ill(where, value);
  throw wrong(where, value, 'a non-empty string');
};

const ill = (where: string, value: string): ConfigurationError =>
  new ConfigurationError(`${where}: ${JSON.stringify(value)} cannot be kept: ${illFormed}`);

/** A task's name. */
export const taskName: Reader<string> = (value, where) => {
  const name = text(value, where);
  if (name.length <= limits.taskName) return name;
  throw new ConfigurationError(`${where}: expected at most ${limits.taskName} characters, received ${name.length}`);
};

export const flag: Reader<boolean> = (value, where) => {
  if (typeof value === 'boolean') return value;
  throw wrong(where, value, 'true or false');
};

/** A whole number within bounds. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, where) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw wrong(where, value, `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`);
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): Reader<T> {
  return (value, where) => {
    if (choices.includes(value as T)) return value as T;
    throw wrong(where, value, choices.map((choice) => `"${choice}"`).join(' or '));
  };
}

/** The value, or null where null is given. */
export function orNull<T>(reader: Reader<T>): Reader<T | null> {
  return (value, where) => (value === null ? null : reader(value, where));
}

/** A queue's name: what Redis and BullMQ's tools can carry. */
export const queueName: Reader<string> = (value, where) => {
  if (typeof value === 'string' && /^[^:\s{}]{1,200}$/.test(value)) return text(value, where);
  throw wrong(where, value, 'a queue name without colons, braces or spaces');
};

/** Tags: each once. */
export const tagList: Reader<readonly string[]> = (value, where) => {
  const fits = (tag: unknown): boolean => typeof tag === 'string' && tag !== '' && tag.length <= limits.tag;
  if (Array.isArray(value) && value.length <= limits.tags && value.every(fits)) return [...new Set<string>(value)];
  throw wrong(where, value, `a list of at most ${limits.tags} tags of 1 to ${limits.tag} characters`);
};

/** A record of fields, taken as it is. */
export const record: Reader<Readonly<Record<string, unknown>>> = (value, where) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(where, value, 'an object');
};
