import { createHash } from 'node:crypto';
import type { DeadLetter } from '../driver/monitor.ts';
import { MalformedMessageError, SignatureError } from '../errors.ts';
import type { CanvasRef } from '../message/canvas-ref.ts';
import type { FlowControl } from '../message/flow-control.ts';
import type { JsonValue } from '../message/json.ts';
import { type Message, messageVersion } from '../message/message.ts';
import { assertSafeJson, parseMessage } from '../message/message-parser.ts';

/** What a replay changes. */
export interface ReplayEdits {
  /** Other arguments, in place of all of them; JSON. */
  readonly args?: readonly JsonValue[];
  /** Another queue. @default the one it stood in */
  readonly queue?: string;
}

/**
 * The task that a dead letter becomes: a new id, `headers.replayOf` with the old one, the same root and parent. It starts
 * afresh: retries, crashes and times of the first life are left behind, and so is the canvas it stood in, which has
 * ended with it. Throws {@link MalformedMessageError} for bytes that are no message, {@link SignatureError} for what is not trusted.
 */
export function toReplay(letter: DeadLetter, edits: ReplayEdits, now: number): Message {
  const old = readLetter(letter, edits.args);
  return {
    v: messageVersion,
    id: replayId(letter),
    task: old.task,
    args: edits.args ?? old.args,
    queue: edits.queue ?? letter.queue,
    priority: old.priority,
    retries: 0,
    sentAt: now,
    rootId: old.rootId ?? old.id,
    ...pick(old, ['parentId', 'maxRetries', 'ignoreResult', 'resultExpires', 'timeLimit', 'softTimeLimit']),
    ...pick(old, ['stamps', 'tags', 'version']),
    ...keptCanvas(old, edits),
    ...keptFlowControl(old, letter),
    headers: { ...old.headers, replayOf: old.id },
    mayRepeat: true, // the id is derived: a replay that is repeated must not run again
  };
}

/** Its keys; where its failure has closed an ordering key, the replay takes over its place there. */
function keptFlowControl({ turn, id }: Message, { queue }: DeadLetter): { readonly turn?: FlowControl } {
  if (turn === undefined) return {};
  const { served: _served, ...keys } = turn;
  return { turn: turn.order === undefined ? keys : { ...keys, replaces: { queue, id } } };
}

/** Of the canvas only what its arguments mean: where they are, and that they are a list of argument lists. */
function keptCanvas({ canvas }: Message, { args }: ReplayEdits): { readonly canvas?: CanvasRef } {
  const { each, input } = canvas ?? {};
  const kept = { ...(each ? { each } : {}), ...(input !== undefined && args === undefined ? { input } : {}) };
  return Object.keys(kept).length > 0 ? { canvas: kept } : {};
}

/**
 * Derived from the letter: a replay that was accepted, and whose letter could not be removed then, is replayed under the
 * same id and runs once. A UUIDv8, since it has no time of its own that readers of ids might believe.
 */
function replayId({ queue, key, id, at }: DeadLetter): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([queue, key, id, at]))
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The parked message; with other arguments it need not be one, if only the task is known. */
function readLetter(letter: DeadLetter, args: readonly JsonValue[] | undefined): Message {
  const { id, task, queue, at, untrusted } = letter;
  if (untrusted !== undefined) throw new SignatureError(`it is not sent again: ${untrusted}`);
  const known = { id, queue, ...(task === undefined ? {} : { task }) };
  const blank = { v: messageVersion, sentAt: at, priority: 0, retries: 0 };
  if (args !== undefined) assertSafeJson(args, 0);
  try {
    const body = parseBody(letter.body);
    assertSafeJson(body, 0);
    return parseMessage({ ...blank, ...body, ...known, ...(args === undefined ? {} : { args }) });
  } catch (error) {
    if (args === undefined || task === undefined) throw error;
    return parseMessage({ ...blank, ...known, args });
  }
}

function parseBody(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MalformedMessageError(`it is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new MalformedMessageError('it is not an object');
}

function pick<K extends keyof Message>(message: Message, names: readonly K[]): Partial<Pick<Message, K>> {
  const found: Partial<Pick<Message, K>> = {};
  for (const name of names) if (message[name] !== undefined) found[name] = message[name];
  return found;
}
