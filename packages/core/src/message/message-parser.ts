import { z } from 'zod';
import { MalformedMessageError } from '../errors.ts';
import { limits } from '../options/limits.ts';
import type { CanvasRef } from './canvas-ref.ts';
import { forbiddenKeys, type JsonValue } from './json.ts';
import { type Message, messageVersion } from './message.ts';

/** Of a line's name: a task's name and a key as JSON, each character up to six. */
const longestGroup = 7_000;

const time = z.number().int().nonnegative();
const json: z.ZodType<JsonValue> = z.any(); // checked as a whole by assertSafeJson, once, without zod's cost per node
const fields = z.record(z.string(), json);

const id = z.string().min(1).max(limits.taskId);
const callbacks = z.array(z.object({ plan: id, run: id, keep: z.boolean().optional() })).optional();
const whole = z.number().int().nonnegative();
const canvas = z.object({
  next: id.optional(),
  join: z
    .object({
      group: id,
      index: whole,
      size: whole.optional(),
      added: z.object({ by: id, nth: whole }).optional(),
    })
    .optional(),
  replaces: id.optional(),
  wakes: z.object({ run: id, key: z.string().min(1).max(500) }).optional(),
  links: callbacks,
  errors: callbacks,
  input: id.optional(),
  each: z.boolean().optional(),
});

const envelope = z.object({
  v: z.literal(messageVersion),
  id: z.string().min(1).max(limits.taskId),
  task: z.string().min(1).max(limits.taskName),
  args: z.array(json),
  kwargs: fields.optional(),
  queue: z.string().min(1),
  priority: z.number().int().min(0).max(9),
  retries: z.number().int().nonnegative(),
  sentAt: time,
  eta: time.optional(),
  expires: time.optional(),
  deadline: time.optional(),
  maxRetries: z.number().int().nonnegative().nullable().optional(),
  replyTo: z.string().max(limits.address).optional(),
  ignoreResult: z.boolean().optional(),
  resultExpires: time.optional(),
  timeLimit: time.optional(),
  softTimeLimit: time.optional(),
  rootId: z.string().optional(),
  parentId: z.string().optional(),
  groupId: z.string().optional(),
  groupIndex: z.number().int().nonnegative().optional(),
  headers: fields.optional(),
  stamps: fields.optional(),
  tags: z
    .array(z.string().min(1).max(limits.tag))
    .max(2 * limits.tags)
    .optional(),
  version: z.string().optional(),
  mayRepeat: z.boolean().optional(),
  canvas: canvas.optional(),
  claim: z.object({ queued: id.optional(), replaceable: z.boolean().optional(), running: id.optional() }).optional(),
  unknownSince: time.optional(),
  crashes: z.number().int().nonnegative().optional(),
  limitedUntil: time.optional(),
  rateLine: z.object({ order: time, until: time.optional() }).optional(),
  requeues: z.number().int().nonnegative().optional(),
  held: z.boolean().optional(),
  seal: z.string().optional(),
  step: z.string().optional(),
  turn: z
    .object({
      order: z.string().max(limits.key).optional(),
      share: z
        .object({ key: z.string().max(limits.key), cost: z.number().positive(), window: z.number().int().positive() })
        .optional(),
      served: z.boolean().optional(),
      replaces: z.object({ queue: z.string(), id: z.string() }).optional(),
      at: z
        .object({
          group: z.string().max(longestGroup),
          limit: z.number().int().positive(),
          flow: z.string().max(limits.key).optional(),
          cost: z.number().positive().optional(),
        })
        .optional(),
    })
    .optional(),
});

/**
 * A message from the wire, checked: shape, version, depth, keys. Throws {@link MalformedMessageError} and never
 * anything else, whatever the bytes were.
 */
export function parseMessage(input: unknown): Message {
  assertSafeJson(input, 0);
  if (isPlainMessage(input)) return input;
  const parsed = envelope.safeParse(input);
  if (parsed.success) return parsed.data as Message;
  const version = (input as { v?: unknown } | null)?.v;
  if (typeof version === 'number' && version > messageVersion) {
    throw new MalformedMessageError(
      `message version ${version} is newer than this worker's ${messageVersion}: upgrade the worker`,
    );
  }
  const issue = parsed.error.issues[0];
  throw new MalformedMessageError(`message field ${issue?.path.join('.') || '(root)'}: ${issue?.message}`);
}

const text = (value: unknown, longest: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= longest;
const count = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const string = (value: unknown): boolean => typeof value === 'string';
const yesOrNo = (value: unknown): boolean => typeof value === 'boolean';

type Checks = ReadonlyMap<string, (value: unknown) => boolean>;
const checks = (of: Readonly<Record<string, (value: unknown) => boolean>>): Checks => new Map(Object.entries(of));

const joinFields: Checks = checks({ group: (value) => text(value, limits.taskId), index: count, size: count });
/** What most members and steps of a canvas say of it. */
const canvasFields: Checks = checks({
  join: (value) => consistsOf(value, joinFields) && 'group' in value && 'index' in value,
  next: (value) => text(value, limits.taskId),
});

/** The fields that nearly every message has and no other, each with what the envelope asks of it. */
const plainFields: Checks = checks({
  v: (value) => value === messageVersion,
  id: (value) => text(value, limits.taskId),
  task: (value) => text(value, limits.taskName),
  args: Array.isArray,
  kwargs: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  queue: (value) => text(value, Number.POSITIVE_INFINITY),
  priority: (value) => count(value) && (value as number) <= 9,
  retries: count,
  sentAt: count,
  replyTo: (value) => text(value, limits.address),
  eta: count,
  expires: count,
  deadline: count,
  mayRepeat: yesOrNo,
  seal: string,
  step: string,
  ignoreResult: yesOrNo,
  rootId: string,
  parentId: string,
  groupId: string,
  groupIndex: count,
  canvas: (value) => consistsOf(value, canvasFields),
});

/**
 * Whether this is a message of the plain kind, by hand: zod takes 3 µs and 4 KB of garbage for it, a fifth of what a worker
 * spends on a task. Anything else, good or bad, is the envelope's to judge.
 */
function isPlainMessage(input: unknown): input is Message {
  return consistsOf(input, plainFields) && isWhole(input);
}

function isWhole({ v, id, task, args, queue, priority, retries, sentAt }: Partial<Message>): boolean {
  return (
    v !== undefined &&
    id !== undefined &&
    task !== undefined &&
    args !== undefined &&
    queue !== undefined &&
    priority !== undefined &&
    retries !== undefined &&
    sentAt !== undefined
  );
}

/** Whether this is an object of these fields alone, each as it should be. */
function consistsOf(input: unknown, fields: Checks): input is object {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  for (const key in input) {
    const fits = fields.get(key);
    if (!fits?.((input as Record<string, unknown>)[key])) return false;
  }
  return true;
}

/** As {@link parseMessage}, from JSON text. */
export function parseMessageText(text: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MalformedMessageError(`message is not JSON: ${(error as Error).message}`, { cause: error });
  }
  return parseMessage(value);
}

/** Refuses nesting that would overflow a stack and keys that would re-parent a copy. */
export function assertSafeJson(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > limits.messageDepth)
    throw new MalformedMessageError(`message is nested deeper than ${limits.messageDepth} levels`);
  if (Array.isArray(value)) {
    for (const item of value) assertSafeJson(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (forbiddenKeys.has(key)) throw new MalformedMessageError(`message holds the forbidden key "${key}"`);
    assertSafeJson((value as Record<string, unknown>)[key], depth + 1);
  }
}

/** What can be read of something that is no message: enough to end its waiters and what depends on it. */
export interface ReadableParts {
  readonly id?: string;
  readonly task?: string;
  readonly replyTo?: string;
  readonly canvas?: CanvasRef;
}

const parts = {
  id,
  task: z.string().min(1).max(limits.taskName),
  replyTo: z.string().min(1).max(limits.address),
  canvas,
} as const;

/** Reads each part where it is there and as it should be, whatever the rest is: a newer version, too deep, of the wrong shape. Never throws. */
export function readableParts(value: unknown): ReadableParts {
  if (typeof value !== 'object' || value === null) return {};
  const found: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(parts)) {
    const given: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    const read = given === undefined ? undefined : schema.safeParse(given);
    if (read?.success) found[name] = read.data;
  }
  return found as ReadableParts;
}
