import { encodeRecord, isFinal, isSweepable, type OutcomeWrite } from '@lovage/core/driver';
import { channelOf } from '../listener.ts';

/** One outcome as a row of arguments. */
export interface OutcomeRow {
  readonly id: string;
  readonly values: readonly (string | number | boolean | null)[];
  readonly bytes: number;
}

/** The columns of `put_outcomes`, in order, as PostgreSQL's types. */
export const outcomeTypes: readonly string[] = [
  'text',
  'text',
  'text',
  'boolean',
  'text',
  'boolean',
  'text',
  'double precision',
  'text',
  'text',
];

/** How the notification of a record begins that is too long to be carried: its id follows. */
export const bareStart = '{"bare":';

/** A hundred years: what lasts longer is for ever. In milliseconds. */
const longestTtl = 100 * 365 * 86_400_000;

/** An outcome as the database takes it. It is made text now: what the caller does with it afterwards does not count. */
export function toRow(write: OutcomeWrite, schema: string): OutcomeRow {
  const { record, ttl, replyTo, stopsMessage = false } = write;
  const text = encodeRecord(record, write.valueText);
  const kind = !isFinal(record) || !isSweepable(record) ? null : record.state === 'FAILURE' ? 'failures' : 'results';
  const values = [
    ...[record.id, record.task, record.state, isFinal(record), kind, stopsMessage, text],
    ...[Math.min(ttl, longestTtl), replyTo === undefined ? null : channelOf(schema, replyTo)],
    `${bareStart}${JSON.stringify(record.id)}}`,
  ];
  return { id: record.id, values, bytes: text.length };
}

/** Rows as one array for each column. */
export function toColumns(rows: readonly OutcomeRow[]): readonly (readonly (string | number | boolean | null)[])[] {
  return outcomeTypes.map((_, column) => rows.map(({ values }) => values[column] ?? null));
}

/** `$1::text[], $2::text[], …` for these types, from that number on. */
export function placeholders(types: readonly string[], from = 1): string {
  return types.map((type, index) => `$${from + index}::${type}[]`).join(', ');
}
