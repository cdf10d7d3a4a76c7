import type { ResultBackend } from '../driver/result-backend.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import { addedId, chunkSize, memberIds } from './list-values.ts';

/**
 * Deletes what is stored of these, and of all members of those that are groups, members first; returns the ids. What a
 * canvas still needs stays: plans of what has not ended.
 */
export async function forgetAll(results: ResultBackend, ids: readonly string[]): Promise<readonly string[]> {
  const gone: string[] = [];
  for (let start = 0; start < ids.length; start += chunkSize) {
    const chunk = ids.slice(start, start + chunkSize);
    const records = await results.get(chunk);
    const over = chunk.filter((_, index) => !isPlanned(records[index]));
    for (const record of records) if (record && isFinal(record)) gone.push(...(await forgetMembers(results, record)));
    if (over.length > 0) await results.forget(over);
    gone.push(...over);
  }
  return gone;
}

async function forgetMembers(results: ResultBackend, { id, list, plan, added = 0 }: OutcomeRecord): Promise<string[]> {
  const gone: string[] = [];
  const group = list ?? (plan?.kind === 'group' ? { group: id, size: plan.size ?? 0, own: plan.own } : undefined);
  for (let from = 0; group && from < group.size; from += chunkSize) {
    const members = memberIds(group.group, from, Math.min(from + chunkSize, group.size), group.own);
    gone.push(...(await forgetAll(results, members)));
  }
  const more = Array.from({ length: added }, (_, nth) => addedId(id, nth + 1));
  return more.length === 0 ? gone : [...gone, ...(await forgetAll(results, more))];
}

function isPlanned(record: OutcomeRecord | undefined): boolean {
  return record?.plan !== undefined && !isFinal(record);
}
