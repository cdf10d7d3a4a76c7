import type { Failure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';

/** What an entry of a log is the outcome of. */
export type EntryKind =
  | 'step'
  | 'call'
  | 'child'
  | 'start'
  | 'run'
  | 'sleep'
  | 'event'
  | 'compensate'
  | 'now'
  | 'patch'
  | 'cancel';

/** One outcome in the log of a run. */
export interface LogEntry {
  /** Its number, from 1, in the order in which outcomes were stored. */
  readonly n: number;
  readonly key: string;
  readonly kind: EntryKind;
  /** How many outcomes had been handed to the code before it; only of one that code asked for which was inserted later. */
  readonly place?: number;
  /** When it was stored, epoch ms. */
  readonly at: number;
  /** How long what it is the outcome of took, in milliseconds. */
  readonly took: number;
  readonly value?: JsonValue;
  /** It failed. */
  readonly failure?: Failure;
}

const letters: Readonly<Record<EntryKind, string>> = {
  step: 's',
  call: 'c',
  child: 'h',
  start: 'd',
  run: 'r',
  sleep: 'z',
  event: 'e',
  compensate: 'k',
  now: 'n',
  patch: 'p',
  cancel: 'x',
};
const kinds: ReadonlyMap<string, EntryKind> = new Map(
  Object.entries(letters).map(([kind, letter]) => [letter, kind as EntryKind]), // the keys of a record are its kinds
);

/** The text of an entry: its numbers in base 36, then the value as JSON. The times are from `since`, when the run was made. */
export function encodeEntry(entry: LogEntry, since: number): string {
  const { n, kind, place, at, took, value, failure } = entry;
  const inserted = place === undefined ? '' : `@${place.toString(36)}`;
  const times = `${Math.max(0, Math.round(at - since)).toString(36)},${Math.max(0, Math.round(took)).toString(36)}`;
  const body = failure === undefined ? value : (failure as unknown as JsonValue);
  const json = body === undefined ? '' : ` ${JSON.stringify(body)}`;
  return `${n.toString(36)},${letters[kind]}${failure ? '-' : '+'}${inserted},${times}${json}`;
}

const pattern = /^([0-9a-z]+),([a-z])([+-])(?:@([0-9a-z]+))?,([0-9a-z]+),([0-9a-z]+)(?: (.*))?$/s;

/** The entry of a text; undefined for what {@link encodeEntry} did not write. */
export function decodeEntry(key: string, text: string, since: number): LogEntry | undefined {
  const match = pattern.exec(text);
  const kind = match && kinds.get(match[2] as string);
  if (!match || !kind) return undefined;
  const [, n, , sign, place, at, took, json] = match;
  const body = json === undefined ? undefined : parse(json);
  return {
    n: Number.parseInt(n as string, 36),
    key,
    kind,
    at: since + Number.parseInt(at as string, 36),
    took: Number.parseInt(took as string, 36),
    ...(place === undefined ? {} : { place: Number.parseInt(place, 36) }),
    ...(sign === '-' ? { failure: body as unknown as Failure } : body === undefined ? {} : { value: body }),
  };
}

function parse(json: string): JsonValue {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    return null; // a value that was cut short by hand
  }
}

/** What is known of a step that has no outcome yet. */
export interface OpenMark {
  readonly kind: EntryKind;
  /** A wait: when it is over, epoch ms. */
  readonly until?: number;
  /** A step: which attempt comes next. */
  readonly attempt?: number;
  /** A step with `recordStart`: an attempt began. */
  readonly started?: boolean;
  /** A child was sent. */
  readonly sent?: boolean;
}

/** Marks lie in the log under the key of their step behind this sign, which no key begins with. */
export const markSign = '>';
