import { type JsonValue, MalformedMessageError } from '@lovage/core/driver';
import { z } from 'zod';
import { decompress } from './compression.ts';
import { type ContentOptions, decodeContent } from './content.ts';
import { type Fields, fields, isFields, json } from './json-schema.ts';
import { type CelerySignature, parseSignature, signaturesIn } from './signature.ts';

/** A task message as a transport carries it: the same on Redis and on AMQP. */
export interface WireTask {
  readonly body: Buffer | string;
  readonly contentType: string;
  readonly headers: Fields;
  readonly properties: Fields;
}

/** What follows a task, as its message carries it. */
export interface Embed {
  readonly callbacks: readonly CelerySignature[];
  readonly errbacks: readonly CelerySignature[];
  /** What is still to come, last step first. */
  readonly chain: readonly CelerySignature[];
  /** The body of the chord that the task ends a header member of. */
  readonly chord: CelerySignature | undefined;
}

/** A task message that was read. */
export interface CeleryTask {
  readonly id: string;
  readonly task: string;
  readonly args: readonly JsonValue[];
  readonly kwargs: Fields;
  readonly embed: Embed;
  readonly headers: Fields;
  readonly properties: Fields;
}

const noEmbed: Embed = { callbacks: [], errbacks: [], chain: [], chord: undefined };

const headersSchema = z.looseObject({ task: z.string().min(1).max(500), id: z.string().min(1).max(200) });
const bodySchema = z.tuple([z.array(json), fields, fields.nullable()]);

/** Reads a task message. Throws {@link MalformedMessageError}, and nothing else, whatever it is. */
export function readTask({ body, contentType, headers, properties }: WireTask, options: ContentOptions): CeleryTask {
  const { task, id } = readHeaders(headers);
  const compression = headers.compression;
  const plain = typeof compression === 'string' && compression !== '' ? decompress(toBuffer(body), compression) : body;
  const parsed = bodySchema.safeParse(decodeContent(plain, contentType, options));
  if (!parsed.success) {
    throw new MalformedMessageError(
      `its body is not [args, kwargs, embed] of Celery's protocol 2: ${parsed.error.issues[0]?.path.join('.') || '(root)'}: ${parsed.error.issues[0]?.message}`,
    );
  }
  const [args, kwargs, embed] = parsed.data;
  return { id, task, args, kwargs, embed: readEmbed(embed), headers, properties };
}

function readHeaders(headers: Fields): { readonly task: string; readonly id: string } {
  const parsed = headersSchema.safeParse(headers);
  if (parsed.success) return parsed.data;
  if (headers.task === undefined) {
    throw new MalformedMessageError(
      'it has no header "task": a message of Celery\'s protocol 1 (set task_protocol = 2), or of something else',
    );
  }
  const issue = parsed.error.issues[0];
  throw new MalformedMessageError(`its header ${issue?.path.join('.')}: ${issue?.message}`);
}

function readEmbed(embed: Fields | null): Embed {
  if (embed === null) return noEmbed;
  const { callbacks, errbacks, chain, chord } = embed;
  if (!callbacks && !errbacks && !chain && !chord) return noEmbed;
  return {
    callbacks: signaturesIn(callbacks),
    errbacks: signaturesIn(errbacks),
    chain: signaturesIn(chain),
    chord: parseSignature(chord),
  };
}

const toBuffer = (body: Buffer | string): Buffer => (typeof body === 'string' ? Buffer.from(body, 'latin1') : body);

/** A header that is a text; undefined for anything else. */
export function textHeader(headers: Fields, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A header that is a whole number from 0; undefined for anything else. */
export function countHeader(headers: Fields, name: string): number | undefined {
  const value = headers[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The stamps that the headers name. */
export function stampsOf(headers: Fields): Fields | undefined {
  const { stamps, stamped_headers: names } = headers;
  const found: Record<string, JsonValue> = isFields(stamps) ? { ...stamps } : {};
  for (const name of Array.isArray(names) ? (names as readonly JsonValue[]) : []) {
    const value = typeof name === 'string' ? (found[name] ?? headers[name]) : undefined;
    if (value !== undefined) found[name as string] = value;
  }
  return Object.keys(found).length > 0 ? found : undefined;
}
