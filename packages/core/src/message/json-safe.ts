import { forbiddenKeys, type JsonValue } from './json.ts';

const maxErrorDepth = 6;
const maxEntries = 100;
const maxString = 4096;
/** Longest result, about, in characters of JSON: an error that holds a whole HTTP request must not fill the store. */
const maxTotal = 32_768;

/** Where a walk is: its ancestors, and how many characters it may still give. */
interface Walk {
  readonly depth: number;
  readonly ancestors: ReadonlySet<object>;
  readonly left: { characters: number };
}

/**
 * As much of a value as JSON can carry, for the data of errors: cycles, functions and exotic values are left out;
 * depth, breadth and size are bounded. Never throws. (Payloads are checked by payload-codec.ts instead, which refuses.)
 */
export function jsonSafe(value: unknown): JsonValue | undefined {
  return safe(value, { depth: 0, ancestors: new Set(), left: { characters: maxTotal } });
}

function safe(value: unknown, walk: Walk): JsonValue | undefined {
  if (walk.left.characters <= 0) return undefined;
  walk.left.characters -= typeof value === 'string' ? Math.min(value.length, maxString) + 2 : 8;
  switch (typeof value) {
    case 'string':
      return clip(value);
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return clip(String(value));
    case 'object':
      return value === null ? null : objectSafe(value, walk);
    default:
      return undefined;
  }
}

function objectSafe(value: object, walk: Walk): JsonValue | undefined {
  if (walk.depth >= maxErrorDepth || walk.ancestors.has(value)) return undefined;
  try {
    return readObject(value, { ...walk, depth: walk.depth + 1, ancestors: new Set(walk.ancestors).add(value) });
  } catch {
    return undefined; // a proxy or subclass that throws: the error is worth keeping without it
  }
}

function readObject(value: object, walk: Walk): JsonValue | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Error) return clip(`${value.name}: ${value.message}`);
  if (ArrayBuffer.isView(value)) return undefined; // its keys alone would be as many as its bytes
  if (Array.isArray(value)) return Array.from(value.slice(0, maxEntries), (item) => safe(item, walk) ?? null);
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(value).slice(0, maxEntries)) {
    if (forbiddenKeys.has(key)) continue;
    const item = safe(read(value, key), walk);
    if (item === undefined) continue;
    walk.left.characters -= key.length;
    result[key] = item;
  }
  return result;
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

const clip = (text: string): string => (text.length > maxString ? `${text.slice(0, maxString)}…` : text);
