import { ConfigurationError, TopicValidationError } from '../errors.ts';
import { readOptions } from '../options/option-reader.ts';
import { createSchemaCodec, type Schema, type SchemaCodec, type SchemaOutput } from '../options/schema.ts';
import { topicName } from './topic-pattern.ts';

/** A topic with the type of its payload. {@link defineTopic} makes it. */
export interface Topic<T = unknown> {
  readonly name: string;
  /** @internal Both directions of its schema; undefined without one. */
  readonly codec: SchemaCodec | undefined;
  /** @internal Types only. */
  readonly types?: T | undefined;
}

/** What a handler is told beside the payload; also the second argument of a durable subscriber's task. */
export interface TopicMessage {
  readonly topic: string;
  /** The same for every subscriber, and when it is published again under its id. */
  readonly id: string;
  /** When it was published, epoch ms by the publisher's clock. */
  readonly at: number;
}

/** Options of {@link defineTopic}. */
export interface TopicOptions<S extends Schema> {
  /** What is published is checked by this schema, and again where it arrives: zod 4 or any Standard Schema. @default none */
  readonly payload?: S;
}

/** Declares a topic and the type of what is published to it. Throws {@link ConfigurationError} for a name that cannot be. */
export function defineTopic<S extends Schema>(name: string, options: { readonly payload: S }): Topic<SchemaOutput<S>>;
export function defineTopic<T = unknown>(name: string): Topic<T>;
export function defineTopic(name: string, options: TopicOptions<Schema> = {}): Topic {
  const checked = topicName(name, 'defineTopic');
  const { payload } = readOptions(options, { payload: schemaOf }, `topic "${checked}"`);
  return { name: checked, codec: payload && createSchemaCodec(payload) };
}

/** The payload as it goes over the wire. Throws {@link TopicValidationError}. */
export async function encodePayload(
  { name, codec }: Pick<Topic, 'name' | 'codec'>,
  payload: unknown,
): Promise<unknown> {
  if (codec === undefined) return payload;
  const checked = await codec.encode(payload);
  if (checked.ok) return checked.value;
  throw new TopicValidationError(name, checked.issues);
}

/** The payload as a handler sees it. Throws {@link TopicValidationError}. */
export async function decodePayload(
  { name, codec }: Pick<Topic, 'name' | 'codec'>,
  payload: unknown,
): Promise<unknown> {
  if (codec === undefined) return payload;
  const checked = await codec.decode(payload);
  if (checked.ok) return checked.value;
  throw new TopicValidationError(name, checked.issues);
}

function schemaOf(value: unknown, where: string): Schema {
  const standard = (value as Partial<Schema> | null)?.['~standard'];
  if (typeof standard?.validate === 'function') return value as Schema;
  throw new ConfigurationError(`${where}: expected a zod schema, or another Standard Schema`);
}
