import { ConfigurationError, type Schema } from '@lovage/core';
import type { DecodedRecord, Decoder } from './record.ts';

/** How records become calls. `Value` is what `decode` and `schema` make of a record, `Args` the task's arguments. */
export interface SourceOptions<Args extends readonly unknown[] = readonly unknown[], Value = unknown> {
  /** Part of the ids of the tasks: keep it while records may be delivered again. @default from the system, as `kafka.clicks` */
  readonly name?: string;
  /** The arguments of the task; undefined: no task is sent for this record. @default the decoded value alone */
  readonly map?: (record: DecodedRecord<Value>) => Args | undefined;
  /** @default JSON */
  readonly decode?: Decoder;
  /** Checks and converts the decoded value (zod, or any Standard Schema). @default none */
  readonly schema?: Schema<unknown, Value>;
  /**
   * Records of one key run one after the other, in the order of their partition: `'partition'` for the whole partition, `'key'`
   * for the record's key, or a function (undefined: in no order). The task must declare an `orderingKey`, which this replaces.
   * @default what the task's own `orderingKey` says
   */
  readonly key?: 'partition' | 'key' | ((record: DecodedRecord<Value>) => string | undefined);
  /** Names the record in the task's id, in place of its partition and position: for systems that give records no name. */
  readonly id?: (record: DecodedRecord<Value>) => string | undefined;
  /** Records sent by one round trip, and committed by one. 1–500. @default 500 */
  readonly batch?: number;
  /** No record is taken while so many tasks wait in the queue. @default 10,000 */
  readonly maxDepth?: number;
  /**
   * A record that cannot be decoded, or that a schema refuses: `'dead-letter'` parks it with its coordinates among the dead letters of the
   * task's queue, `'stop'` goes no further in its partition. @default 'dead-letter'
   */
  readonly poison?: 'dead-letter' | 'stop';
}

/** Options with their defaults. */
export type ReadSourceOptions = SourceOptions & Required<Pick<SourceOptions, 'name' | 'batch' | 'maxDepth' | 'poison'>>;

/** Throws {@link ConfigurationError} for options that cannot be. */
export function readSourceOptions(given: SourceOptions, defaultName: string): ReadSourceOptions {
  const { name = defaultName, batch = 500, maxDepth = 10_000, poison = 'dead-letter' } = given;
  const where = `source "${name}"`;
  if (typeof name !== 'string' || !/^[\w.:/-]{1,100}$/.test(name)) {
    throw new ConfigurationError(`${where}: name: expected 1 to 100 letters, digits and _ . : / -`);
  }
  whole(batch, 500, `${where}: batch`);
  whole(maxDepth, Number.MAX_SAFE_INTEGER, `${where}: maxDepth`);
  for (const option of ['map', 'decode', 'id'] as const) {
    if (given[option] === undefined || typeof given[option] === 'function') continue;
    throw new ConfigurationError(`${where}: ${option}: expected a function`);
  }
  if (poison !== 'dead-letter' && poison !== 'stop') {
    throw new ConfigurationError(`${where}: poison: expected "dead-letter" or "stop"`);
  }
  const { key } = given;
  if (key !== undefined && key !== 'partition' && key !== 'key' && typeof key !== 'function') {
    throw new ConfigurationError(`${where}: key: expected "partition", "key" or a function`);
  }
  return { ...given, name, batch, maxDepth, poison };
}

/** Throws {@link ConfigurationError} unless it is a whole number from 1 to `most`. */
export function whole(value: unknown, most: number, where: string): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw new ConfigurationError(`${where}: expected a whole number from 1 to ${most}, got ${String(value)}`);
}
