import { ConfigurationError } from '../errors.ts';
import type { CanvasRef } from './canvas-ref.ts';
import type { Failure } from './failure.ts';
import type { JsonValue } from './json.ts';
import type { OwnIds, Plan } from './plan.ts';

/**
 * The states of a task, as in Celery, and the table of legal transitions. `PENDING` is an id nobody knows; `SENT` is
 * known to the broker. A task may also be in a state of its own, set by `self.updateState`, which stands where STARTED does.
 */
export const taskStates = ['PENDING', 'SENT', 'RECEIVED', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'] as const;
export type BuiltInState = (typeof taskStates)[number];

/** A built-in state, or a name set by `self.updateState`. */
export type TaskState = BuiltInState | (string & {});

/** States that never change again. */
export type TerminalState = 'SUCCESS' | 'FAILURE' | 'REVOKED';
const terminal: ReadonlySet<string> = new Set<TerminalState>(['SUCCESS', 'FAILURE', 'REVOKED']);

/** The legal transitions, as data: the state diagram in the docs is made from this table, and tests walk every illegal one. */
export const transitions: Readonly<Record<BuiltInState, readonly BuiltInState[]>> = {
  PENDING: ['SENT'],
  // a malformed, unknown or rejected message fails before it is started; an expired one is revoked
  SENT: ['RECEIVED', 'FAILURE', 'REVOKED'],
  // a released delivery (shutdown, lost worker) waits again
  RECEIVED: ['STARTED', 'SENT', 'FAILURE', 'REVOKED'],
  STARTED: ['SUCCESS', 'FAILURE', 'RETRY', 'REVOKED', 'SENT'],
  RETRY: ['RECEIVED', 'FAILURE', 'REVOKED'],
  SUCCESS: [],
  FAILURE: [],
  REVOKED: [],
};

export function isTerminal(state: TaskState): state is TerminalState {
  return terminal.has(state);
}

/** Whether a task may go from one state to the other. A state of the user's own counts as STARTED. */
export function canMove(from: TaskState, to: TaskState): boolean {
  const known = (state: TaskState): BuiltInState =>
    (taskStates as readonly string[]).includes(state) ? (state as BuiltInState) : 'STARTED';
  if (known(from) === 'STARTED' && known(to) === 'STARTED') return true;
  return transitions[known(from)].includes(known(to));
}

const longestState = 500;

/**
 * Throws {@link ConfigurationError} for what `self.updateState` may not set: a terminal state is the outcome's alone, and would end
 * the task for its waiters while its handler runs.
 */
export function assertOwnState(state: unknown): void {
  if (typeof state !== 'string' || state === '' || state.length > longestState || /[\ud800-\udfff]/u.test(state)) {
    throw new ConfigurationError(
      `self.updateState: expected the name of a state, a string of 1 to ${longestState} characters, received ${typeof state}`,
    );
  }
  if (!isTerminal(state)) return;
  throw new ConfigurationError(
    `self.updateState: "${state}" is set by the outcome of the task alone: return or throw, or give the state another name`,
  );
}

/** How a task ended: data, not an exception. `value` is absent when the handler returned undefined. */
export type Outcome =
  | {
      readonly state: 'SUCCESS';
      readonly value?: JsonValue;
      /** The value is a list, one of a run each (`map`). */
      readonly each?: boolean;
      /** How many members the task added to its chord. */
      readonly added?: number;
    }
  | { readonly state: 'FAILURE'; readonly failure: Failure }
  | { readonly state: 'REVOKED'; readonly reason: string; readonly failure?: Failure };

/** What the result store knows of one task. A record in a terminal state is never overwritten. */
export interface OutcomeRecord {
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly state: TaskState;
  /** SUCCESS: the return value as wire JSON; absent for undefined. */
  readonly value?: JsonValue;
  /** FAILURE, RETRY, and REVOKED with a cause. */
  readonly failure?: Failure;
  /** REVOKED: why (`expired`, `revoked`, `terminated`). */
  readonly reason?: string;
  /** What `self.updateState()` last said. */
  readonly meta?: JsonValue;
  /** What `self.progress()` last said. */
  readonly progress?: JsonValue;
  /** Before the end: how many states the attempt had written, this one included. Records may reach a reader out of order. */
  readonly step?: number;
  /** How many times the handler was run. */
  readonly attempts: number;
  /** When this state was reached, epoch ms by the worker's clock. */
  readonly at: number;
  /** The worker that said so. */
  readonly worker?: string;
  readonly rootId?: string;
  readonly parentId?: string;
  /** SUCCESS of a group, or of a task that a group replaced: the value is the list of the values of `<id>.0`, `<id>.1`, … */
  readonly list?: ListRef;
  /** The value is a list of values of this task, each by itself (`map`, `starmap`, `chunks`). */
  readonly each?: boolean;
  /** How many members the task added to its chord while it ran. */
  readonly added?: number;
  /** Where it stands in a canvas. */
  readonly canvas?: CanvasRef;
  /** What is still to be sent under this id; state PENDING. A group keeps its plan to the end. */
  readonly plan?: Plan;
  /** What the task came to, signed or encrypted; the fields above that say it are absent then. */
  readonly seal?: string;
}

/** A list by reference: the values of a group's members. */
export interface ListRef {
  readonly group: string;
  readonly size: number;
  /** Ids that members were given, by index. */
  readonly own?: OwnIds;
  /** Spread into the list around it. */
  readonly flat?: boolean;
}

/** A record on its way to the store. */
export interface OutcomeWrite {
  readonly record: OutcomeRecord;
  /** How long the store keeps it, in milliseconds. */
  readonly ttl: number;
  /** The record's value as JSON, where it was made already. */
  readonly valueText?: string;
  /** The inbox to ring when it is stored. */
  readonly replyTo?: string;
  /** A message of the task may still be somewhere, and this record is what stops it: it is not swept for want of room. */
  readonly stopsMessage?: boolean;
}

/** The record with its value as plain data, for a store that has a text of its own: see {@link OutcomeWrite.valueText}. */
export function plainRecord({ record, valueText }: OutcomeWrite): OutcomeRecord {
  return valueText === undefined ? record : { ...record, value: JSON.parse(valueText) as JsonValue };
}

/** Whether this record is the task's last. */
export function isFinal(record: OutcomeRecord): boolean {
  return isTerminal(record.state);
}

/** Final records begin with this text, so that a store can tell them apart without parsing (a Redis script, say). */
export const finalRecordPrefix = '{"final":1,';

/** Names that come again in record after record, as JSON. */
const quoted = new Map<string, string>();
const mostQuoted = 1_000;
/** What needs no escape in JSON. */
const plain = /^[\w.~-]*$/;

/**
 * The record as JSON text; final ones begin with {@link finalRecordPrefix}. Written by hand where that is easy: half the
 * 0.6 µs that JSON.stringify takes for one. `valueText` is its value as JSON, where that was made already.
 */
export function encodeRecord(record: OutcomeRecord, valueText?: string): string {
  let text = isFinal(record) ? finalRecordPrefix : '{';
  let comma = '';
  for (const key in record) {
    const value = record[key as keyof OutcomeRecord];
    if (value === undefined) continue;
    text += `${comma}${quote(key)}:${valueText !== undefined && key === 'value' ? valueText : encodeField(key, value)}`;
    comma = ',';
  }
  return `${text}}`;
}

function encodeField(key: string, value: JsonValue | object): string {
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
  if (typeof value !== 'string') return JSON.stringify(value);
  if (key === 'id') return plain.test(value) ? `"${value}"` : JSON.stringify(value);
  if (key === 'task' || key === 'state' || key === 'worker') return quote(value);
  return JSON.stringify(value);
}

function quote(name: string): string {
  const known = quoted.get(name);
  if (known !== undefined) return known;
  if (quoted.size >= mostQuoted) quoted.clear();
  const made = JSON.stringify(name);
  quoted.set(name, made);
  return made;
}

/**
 * The record of a text that {@link encodeRecord} made; undefined when it is not one. One whose fields are of other kinds (forged, or of
 * a newer version) is a FAILURE that says so: whoever waits for it learns it by name.
 */
export function decodeRecord(text: string): OutcomeRecord | undefined {
  try {
    // the prefix is cut before parsing: taking a key out of a parsed object costs three times as much
    const value: unknown = JSON.parse(
      text.startsWith(finalRecordPrefix) ? `{${text.slice(finalRecordPrefix.length)}` : text,
    );
    if (typeof value !== 'object' || value === null) return undefined;
    const record = value as Partial<OutcomeRecord>;
    if (typeof record.id !== 'string' || typeof record.state !== 'string') return undefined;
    const field = malformedField(record);
    return field === undefined ? (record as OutcomeRecord) : malformedRecord(record.id, field);
  } catch {
    return undefined;
  }
}

/** Members that a task may have added to its chord, and members of a list, at most: what a record makes its readers do is bounded. */
const mostAdded = 1_000_000;
const mostMembers = 2 ** 31;

/** The name of a field that is not what readers of records rely on. */
export function malformedField(record: Partial<OutcomeRecord>): string | undefined {
  const { list, added, failure, canvas, plan, reason } = record;
  if (list !== undefined && !isList(list)) return 'list';
  if (added !== undefined && !isCount(added, mostAdded)) return 'added';
  if (failure !== undefined && !isFailure(failure)) return 'failure';
  if (canvas !== undefined && !isObject(canvas)) return 'canvas';
  if (plan !== undefined && !isObject(plan)) return 'plan';
  return reason === undefined || typeof reason === 'string' ? undefined : 'reason';
}

function isList(list: Partial<ListRef>): boolean {
  if (!isObject(list)) return false;
  const { group, size } = list;
  return typeof group === 'string' && isCount(size, mostMembers);
}

function isFailure(failure: Partial<Failure>): boolean {
  if (!isObject(failure)) return false;
  const { name, message } = failure;
  return typeof name === 'string' && typeof message === 'string';
}

function isCount(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function malformedRecord(id: string, field: string): OutcomeRecord {
  const message = `the stored result of ${id} is malformed: its field "${field}" is not what Lovage writes`;
  return { id, task: '', state: 'FAILURE', failure: { name: 'MalformedMessageError', message }, attempts: 0, at: 0 };
}
