import { isFinal, type JsonValue, type OutcomeRecord } from '@lovage/core/driver';
import { isFields } from './json-schema.ts';
import { parsePythonJson } from './python-json.ts';

/** The ids of a group's members, of what `GroupResult.save()` stores; undefined for anything else. */
export function readGroupMembers(text: string): readonly string[] | undefined {
  try {
    const meta = parsePythonJson(text);
    const members = isFields(meta) && Array.isArray(meta.result) ? (meta.result as readonly JsonValue[])[1] : undefined;
    return Array.isArray(members) ? (members as readonly JsonValue[]).flatMap(idOf) : undefined;
  } catch {
    return undefined;
  }
}

/** Of `[[id, parent], children]`. */
function idOf(tuple: JsonValue): string[] {
  const [head] = Array.isArray(tuple) ? (tuple as readonly JsonValue[]) : [];
  const [id] = Array.isArray(head) ? (head as readonly JsonValue[]) : [];
  return typeof id === 'string' ? [id] : [];
}

/** The record of a group is made of its members': SUCCESS with their list, or what the first failed one came to, once all have ended. */
export function groupRecord(
  id: string,
  members: readonly string[],
  records: readonly (OutcomeRecord | undefined)[],
): OutcomeRecord {
  const ended = records.filter((record) => record !== undefined && isFinal(record)) as readonly OutcomeRecord[];
  const at = Math.max(0, ...ended.map((record) => record.at));
  const base = { id, task: 'celery.group', attempts: 1, at };
  const failed = ended.find(({ state }) => state !== 'SUCCESS');
  if (ended.length < members.length) return { ...base, state: 'STARTED' };
  if (failed) {
    const { state, failure, reason } = failed;
    return { ...base, state, ...(failure ? { failure } : {}), ...(reason ? { reason } : {}) };
  }
  return { ...base, state: 'SUCCESS', list: { group: id, size: members.length, own: { ...members } } };
}
