// Seeded mutations of a text or of JSON: what a bug, another version, or a person with redis-cli may leave.
import type { Random } from '../random.ts';

/** Values that readers tend to take for granted. */
const hostile: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  -1e308,
  2 ** 53 + 2,
  2 ** 31,
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  '1e999',
  'null',
  '__proto__',
  '\u0000',
  '\ud800',
  '\u2028',
  ':',
  '{}',
  '[]',
  '*',
  '%s',
  [],
  {},
  [[]],
  [null],
  { length: -1 },
  { toString: 1 },
  { __proto__: null },
]; // prettier-ignore

/** One mutation of a text: inside of its JSON where it is JSON, else of its characters. */
export function mutateText(random: Random, text: string): string {
  if (random.next() < 0.7) {
    try {
      const json = JSON.parse(text) as unknown;
      if (typeof json === 'object' && json !== null) return JSON.stringify(mutateJson(random, json));
    } catch {
      // no JSON: its characters are changed
    }
  }
  return mutateCharacters(random, text);
}

/** One mutation of a JSON value, at a place of it: another value, none, one twice, one deeper, or another text. */
export function mutateJson(random: Random, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && random.next() < 0.85) {
    return Array.isArray(value) ? mutateList(random, value) : mutateFields(random, value as Fields);
  }
  const kind = random.next();
  if (kind < 0.1) return nest(value, random.pick([1, 70, 500]));
  if (kind < 0.4 && typeof value === 'string') return mutateCharacters(random, value);
  if (kind < 0.5 && typeof value === 'number')
    return random.pick([-value, value + 1, value * 1_000, value / 3, `${value}`]);
  return random.pick(hostile);
}

function mutateList(random: Random, value: readonly unknown[]): unknown {
  const at = random.between(0, value.length);
  const kind = random.next();
  if (kind < 0.1) return value.toSpliced(at, 1);
  if (kind < 0.2) return value.toSpliced(at, 0, value[at]);
  return value.with(at, mutateJson(random, value[at]));
}

type Fields = Readonly<Record<string, unknown>>;

function mutateFields(random: Random, fields: Fields): unknown {
  const key = random.pick(Object.keys(fields));
  const others = Object.entries(fields).filter(([name]) => name !== key);
  const kind = random.next();
  if (kind < 0.1) return Object.fromEntries(others);
  if (kind < 0.2) return Object.fromEntries([...others, [mutateCharacters(random, key), fields[key]]]);
  return Object.fromEntries([...others, [key, mutateJson(random, fields[key])]]);
}

function nest(value: unknown, depth: number): unknown {
  let whole = value;
  for (let level = 0; level < depth; level += 1) whole = [whole];
  return whole;
}

function mutateCharacters(random: Random, text: string): string {
  const at = random.between(0, text.length + 1);
  switch (random.between(0, 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.between(0, 256)) + text.slice(at + 1);
    case 3:
      return (
        text.slice(0, at) +
        random.pick([':', ',', '{', '}', '"', '\u0000', '9', '-', '~', '.', '\ufffd']) +
        text.slice(at)
      );
    case 4:
      return text.slice(0, at) + text.slice(at).repeat(random.pick([2, 20]));
    default:
      return JSON.stringify(random.pick(hostile));
  }
}
