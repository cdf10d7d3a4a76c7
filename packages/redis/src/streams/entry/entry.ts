import {
  type Failure,
  type GrantedSlot,
  limits,
  MalformedMessageError,
  type Message,
  messageVersion,
  parseMessage,
  type ReadableParts,
  readableParts,
  toFailure,
} from '@lovage/core/driver';
import { readGrant } from '../../stores/grant.ts';
import { isPackedAddress, packAddress, unpackAddress } from './packed-address.ts';
import type { QueueStream } from './stream-queue.ts';

/** An entry as Redis gives it: its id, and its fields and values in turn. */
export type RawEntry = readonly [id: string, fields: readonly string[] | null];

/** An entry that crashed its workers so often before anyone could read it is not read any more. */
const maxUnreadCrashes = 20;

/** Fields of a message that an entry says by where it stands, or that have a place of their own in the payload. */
const placed: ReadonlySet<string> = new Set([
  'v',
  'id',
  'task',
  'args',
  'queue',
  'priority',
  'retries',
  'sentAt',
  'replyTo',
]);

/**
 * A message as the value of its entry: `[task, args, replyTo?, rest?]` as JSON, with the version before them once there is a
 * second one. The entry's field is the id; its stream says queue and priority; a UUIDv7 says when it was sent. A waiting
 * message of 200 bytes takes 399 bytes of Redis so, its id among the known ones included.
 */
export function encodePayload(message: Message): string {
  const { task, args } = message;
  const replyTo = message.replyTo === undefined ? undefined : packAddress(message.replyTo);
  const rest = restOf(message);
  if (rest) return JSON.stringify([task, args, replyTo ?? null, rest]);
  return JSON.stringify(replyTo === undefined ? [task, args] : [task, args, replyTo]);
}

/** The payload, marked as one that may have been published before. */
export function markRepeated(payload: string): string {
  const [task, args, replyTo = null, rest] = JSON.parse(payload) as readonly unknown[];
  return JSON.stringify([task, args, replyTo, { ...(rest as object | undefined), mayRepeat: true }]);
}

function restOf(message: Message): Record<string, unknown> | undefined {
  let rest: Record<string, unknown> | undefined;
  for (const key in message) {
    if (placed.has(key)) continue;
    rest ??= {};
    rest[key] = message[key as keyof Message];
  }
  if (message.replyTo !== undefined && isPackedAddress(message.replyTo)) {
    rest ??= {};
    rest['replyTo'] = message.replyTo;
  }
  if (message.retries !== 0) {
    rest ??= {};
    rest['retries'] = message.retries;
  }
  if (message.sentAt !== timeOf(message.id)) {
    rest ??= {};
    rest['sentAt'] = message.sentAt;
  }
  return rest;
}

/** The last time that was read: many ids in a row are of one millisecond. */
let lastTime = { prefix: '', at: Number.NaN };

/** The milliseconds in a UUIDv7; anything for other ids, which then carry `sentAt`. */
function timeOf(id: string): number {
  const prefix = id.slice(0, 13);
  if (prefix !== lastTime.prefix) lastTime = { prefix, at: Number.parseInt(prefix.slice(0, 8) + prefix.slice(9), 16) };
  return lastTime.at;
}

/** What an entry turned out to hold. */
export interface EntryContent {
  /** The id the queue knows it by: the entry's field. */
  readonly id: string;
  readonly band: number;
  /** How many deliveries of it ended with a lost lease. */
  readonly lost: number;
  readonly grant?: GrantedSlot;
  /** The message, or why there is none. */
  readonly message?: Message;
  readonly reason?: Failure;
  /** Where there is no message: what can be read. */
  readonly parts?: ReadableParts;
}

/** Reads an entry. Never throws, whatever the bytes were. */
export function readEntry([, fields]: RawEntry, stream: QueueStream): EntryContent {
  const [id = '', payload = ''] = fields ?? [];
  const { band, lost, grant } = marksOf(fields ?? [], stream.band ?? 0);
  let data: unknown;
  try {
    if (payload.length > limits.messageCharacters)
      throw new MalformedMessageError(`the entry holds ${payload.length} characters`);
    if (lost > maxUnreadCrashes)
      throw new MalformedMessageError(`the entry was lost with its worker ${lost} times: it is not read again`);
    data = parse(payload);
    return {
      id,
      band,
      lost,
      ...(grant && lost === 0 ? { grant } : {}),
      message: parseMessage(Array.isArray(data) ? unpack(data, { id, band, stream }) : own(data, stream)),
    };
  } catch (error) {
    return { id, band, lost, reason: toFailure(error), parts: partsOf(data, { id, band, stream }) };
  }
}

interface Marks {
  readonly band: number;
  readonly lost: number;
  readonly grant: GrantedSlot | undefined;
}

/** Fields behind the first pair: the band of what was handed back, how many leases were lost, the place it was handed. */
function marksOf(fields: readonly string[], ofStream: number): Marks {
  let band = ofStream;
  let lost = 0;
  let grant: GrantedSlot | undefined;
  for (let index = 2; index + 1 < fields.length; index += 2) {
    if (fields[index] === 'grant') grant = readGrant(fields[index + 1] as string);
    const value = Number(fields[index + 1]);
    if (!Number.isInteger(value) || value < 0) continue;
    if (fields[index] === 'band' && value <= 9) band = value;
    if (fields[index] === 'lost') lost = value;
  }
  return { band, lost, grant };
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw new MalformedMessageError(`the entry is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function unpack(
  data: readonly unknown[],
  at: { readonly id: string; readonly band: number; readonly stream: QueueStream },
): object {
  const versioned = typeof data[0] === 'number';
  const [task, args, replyTo, rest] = versioned ? data.slice(1) : data;
  const { id, band: priority } = at;
  const queue = at.stream.queue.name;
  const message = {
    v: versioned ? data[0] : messageVersion,
    id,
    task,
    args,
    queue,
    priority,
    retries: 0,
    sentAt: timeOf(id),
  };
  if (replyTo !== undefined && replyTo !== null) (message as { replyTo?: unknown }).replyTo = unpackAddress(replyTo);
  if (rest === undefined) return message;
  // An own "__proto__" of the rest stays one: parseMessage refuses it. Else assigned: spreading takes 2 µs more a member.
  if (typeof rest !== 'object' || rest === null || Object.hasOwn(rest, '__proto__'))
    return { ...message, ...(rest as object) };
  return Object.assign(message, rest);
}

/** A whole message as JSON, as another producer may write it. */
function own(data: unknown, { queue }: QueueStream): unknown {
  return typeof data === 'object' && data !== null ? { ...data, queue: queue.name } : data;
}

/** Of the array form also where it is of a newer version, or holds something else than it should. */
function partsOf(
  data: unknown,
  at: { readonly id: string; readonly band: number; readonly stream: QueueStream },
): ReadableParts {
  try {
    return readableParts(Array.isArray(data) ? unpack(data, at) : (data ?? { id: at.id }));
  } catch {
    return readableParts({ id: at.id }); // its inbox cannot be unpacked, say
  }
}
