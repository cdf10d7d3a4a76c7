import { ConfigurationError } from '@lovage/core';
import type { NamedCall } from '@lovage/core/connector';
import { type DecodedRecord, type Decoder, json, type SourceRecord } from './record.ts';
import type { ReadSourceOptions } from './source-options.ts';

/** What a record came to: a call, nothing (`map` gave none), or an error that makes it a dead letter. */
export type ReadRecord = { readonly call: NamedCall } | { readonly skipped: true } | { readonly error: Error };

const skipped: ReadRecord = { skipped: true };

/** Decodes a record, checks it, and makes the call of its task. What the user's functions throw comes back as `error`. */
export async function readRecord(
  record: SourceRecord,
  { name, decode = json, schema, map, key, id }: ReadSourceOptions,
  idOf: (partition: string, position: string) => string,
): Promise<ReadRecord> {
  try {
    const value = await decodedValue(record, decode, schema);
    const { named: _named, ...known } = record;
    const decoded: DecodedRecord = { ...known, source: name, value };
    const args = map ? map(decoded) : [value];
    if (args === undefined) return skipped;
    if (!Array.isArray(args)) throw new ConfigurationError(`source "${name}": map: expected a list of arguments`);
    const own = id?.(decoded);
    const taskId = own === undefined ? idOf(record.partition, record.position) : idOf('', own);
    const order = key === undefined ? undefined : orderOf(key, decoded);
    return { call: { id: taskId, args, ...(order === undefined ? {} : { order }) } };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function decodedValue(
  record: SourceRecord,
  decode: Decoder,
  schema: ReadSourceOptions['schema'],
): Promise<unknown> {
  const value = record.value === null ? null : decode(record.value, record);
  const decoded = value instanceof Promise ? await value : value;
  if (!schema) return decoded;
  const checked = schema['~standard'].validate(decoded);
  const result = checked instanceof Promise ? await checked : checked;
  if (result.issues) throw invalid(result.issues);
  return result.value;
}

function orderOf(key: NonNullable<ReadSourceOptions['key']>, record: DecodedRecord): string | undefined {
  const order = key === 'partition' ? record.partition : key === 'key' ? record.key : key(record);
  return order === undefined ? undefined : `${record.source}/${order}`;
}

type Issues = readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[];

function invalid(issues: Issues): Error {
  const first = issues[0];
  const path = (first?.path ?? [])
    .map((part) => (typeof part === 'object' && part !== null && 'key' in part ? String(part.key) : String(part)))
    .join('.');
  const error = new Error(`${path === '' ? 'the value' : path}: ${first?.message ?? 'refused by the schema'}`);
  error.name = 'SchemaError';
  return error;
}
