import { type JsonValue, MalformedMessageError } from '@lovage/core/driver';
import { z } from 'zod';
import type { WireTask } from '../protocol/celery-task.ts';
import { type Fields, fields } from '../protocol/json-schema.ts';

/** kombu's envelope of one message on Redis. */
export interface Envelope {
  readonly body: string;
  readonly 'content-encoding'?: string | null | undefined;
  readonly 'content-type'?: string | null | undefined;
  readonly headers?: Fields | null | undefined;
  readonly properties: Fields;
}

const schema = z.looseObject({
  body: z.string(),
  'content-encoding': z.string().nullish(),
  'content-type': z.string().nullish(),
  headers: fields.nullish(),
  properties: fields,
});

/** Reads an entry of a list. Throws {@link MalformedMessageError}. */
export function readEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MalformedMessageError(`it is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MalformedMessageError(`it is no message of kombu: ${issue?.path.join('.') || '(root)'}: ${issue?.message}`);
}

/** The task message in an envelope. Throws {@link MalformedMessageError} for an encoding that is not read. */
export function unwrapEnvelope(envelope: Envelope): WireTask {
  const { body, headers, properties } = envelope;
  return {
    body: unwrapBody(body, properties.body_encoding),
    contentType: envelope['content-type'] ?? 'application/json',
    headers: headers ?? {},
    properties,
  };
}

function unwrapBody(body: string, encoding: JsonValue | undefined): Buffer | string {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding === undefined || encoding === null || encoding === '') return body;
  throw new MalformedMessageError(
    `its body_encoding is ${JSON.stringify(encoding)}: kombu knows base64, and none at all`,
  );
}

/** What {@link writeEnvelope} puts into an envelope. */
export interface EnvelopeParts {
  readonly body: string;
  readonly headers: Fields;
  readonly properties: Fields;
  readonly contentType?: string;
}

/** The text of an envelope whose body is this JSON. */
export function writeEnvelope({ body, headers, properties, contentType }: EnvelopeParts): string {
  return JSON.stringify({
    body: Buffer.from(body).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': contentType ?? 'application/json',
    headers,
    properties: { ...properties, body_encoding: 'base64' },
  });
}
