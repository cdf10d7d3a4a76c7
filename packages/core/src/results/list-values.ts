import type { ResultBackend } from '../driver/result-backend.ts';
import { MalformedMessageError, ResultExpiredError } from '../errors.ts';
import { childId } from '../message/child-id.ts';
import { isFinal, type ListRef, type OutcomeRecord } from '../message/outcome.ts';
import type { OwnIds } from '../message/plan.ts';
import type { MaybePromise } from '../options/schema.ts';

/** Records read in one go: bounds the time one command holds the store. */
export const chunkSize = 500;

/** Lists in one another, at most: those of nested groups. */
const deepest = 200;

/** What bounds the reading of a list. */
export interface ListReading {
  readonly results: ResultBackend;
  readonly read: ReadValue;
  /** Throws when nobody waits for the values any more. */
  readonly check?: () => void;
  /** The groups around this one: one that holds itself is forged. */
  readonly around?: readonly string[];
}

/** Turns a member's final record into its value, or throws what the record stands for. */
export type ReadValue = (record: OutcomeRecord) => MaybePromise<unknown>;

/** The id of a group's member. */
export function memberId(group: string, index: number): string {
  return childId(group, `.${index}`);
}

/** The id of a member that a running one added to its chord; `nth` from 1. */
export function addedId(by: string, nth: number): string {
  return childId(by, `~a${nth}`);
}

/**
 * The values of a group that ended well, in the members' order, those that were added while it ran at the end. Read a
 * chunk at a time; undefined becomes null, as in JSON. Throws {@link ResultExpiredError} for a member that is gone, and
 * {@link MalformedMessageError} for a list that holds itself.
 */
export async function listValues(list: ListRef, reading: ListReading): Promise<unknown[]> {
  const { results, check, around = [] } = reading;
  if (around.includes(list.group) || around.length >= deepest)
    throw new MalformedMessageError(`the stored result of group ${list.group} is malformed: its list holds itself`);
  const inner: ListReading = { ...reading, around: [...around, list.group] };
  const values: unknown[] = [];
  const added: string[] = [];
  const take = async (records: readonly OutcomeRecord[]): Promise<void> => {
    check?.();
    for (const record of records) {
      const pushing = push(values, record, inner);
      if (pushing instanceof Promise) await pushing;
      for (let nth = 1; nth <= (record.added ?? 0); nth++) added.push(addedId(record.id, nth));
    }
  };
  const ask = (start: number): Promise<readonly OutcomeRecord[]> =>
    finalRecords(results, memberIds(list.group, start, Math.min(start + chunkSize, list.size), list.own));
  let next = list.size > 0 ? ask(0) : undefined;
  for (let start = chunkSize; next !== undefined; start += chunkSize) {
    const records = await next;
    next = start < list.size ? ask(start) : undefined; // read while these are made values
    next?.catch(() => undefined); // whoever awaits it is told
    await take(records);
  }
  while (added.length > 0) await take(await finalRecords(results, added.splice(0, chunkSize))); // each may have added more
  return values;
}

/** The ids of a group's members from one index to before another; those that were given ids of their own have these. */
export function memberIds(group: string, from: number, to: number, own?: OwnIds): string[] {
  return Array.from({ length: to - from }, (_, offset) => own?.[from + offset] ?? memberId(group, from + offset));
}

async function finalRecords(results: ResultBackend, ids: readonly string[]): Promise<readonly OutcomeRecord[]> {
  const records = await results.get(ids);
  return records.map((record, index) => {
    if (record && isFinal(record)) return record;
    throw new ResultExpiredError(ids[index] as string);
  });
}

/** No promise for a value that is there. */
function push(values: unknown[], record: OutcomeRecord, reading: ListReading): MaybePromise<void> {
  if (record.list) return pushList(values, record.list, reading);
  const value = reading.read(record);
  if (value instanceof Promise) return value.then((late) => void values.push(late ?? null));
  values.push(value ?? null);
  return undefined;
}

async function pushList(values: unknown[], list: ListRef, reading: ListReading): Promise<void> {
  const inner = await listValues(list, reading);
  if (list.flat) for (const value of inner) values.push(value);
  else values.push(inner);
}
