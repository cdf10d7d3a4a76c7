import type { JsonValue } from '@lovage/core/driver';

/** What tools show of arguments and values at most, in characters. */
const longest = 1024;

/** A value as Python would show it, for `argsrepr` and events: `{'a': None}`; cut at 1,024 characters. */
export function pythonRepr(value: JsonValue | undefined): string {
  const text = repr(value ?? null, longest);
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/** Positional arguments as Python shows a tuple: `(2, 3)`, `(2,)`. */
export function tupleRepr(args: readonly JsonValue[]): string {
  const inner = pythonRepr(args).slice(1, -1);
  return args.length === 1 ? `(${inner},)` : `(${inner})`;
}

function repr(value: JsonValue, room: number): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  const isList = Array.isArray(value);
  const parts: string[] = [];
  let left = room;
  for (const [key, item] of Object.entries(value)) {
    const part = isList ? repr(item, left) : `${quote(key)}: ${repr(item, left)}`;
    parts.push(part);
    left -= part.length;
    if (left < 0) break; // the rest would be cut anyway
  }
  return isList ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

function quote(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}...` : text;
  const inner = JSON.stringify(cut).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inner}'`;
}
