import type { HeaderChange, InboxItem, RunHeader, StoredRun, WorkflowState } from '@lovage/core/driver';

/** Fields of a header in Redis, by their names in core; the scripts list them all. */
const fields = {
  state: 's',
  updatedAt: 'u',
  wakeAt: 'w',
  note: 'o',
  outcome: 'r',
  call: 'c',
} as const satisfies Record<keyof HeaderChange, string>;

/** Every field of a header in Redis, those too that no change has: name, queue, time of creation, fence, version, host. */
export const headerFields: readonly string[] = [...Object.values(fields), 'n', 'q', 't', 'f', 'v', 'h'];

/** A change as pairs of field and value; '' takes a field away. A run that parks has no worker to be told of anything. */
export function changedFields(change: HeaderChange): readonly (string | number)[] {
  const pairs = Object.entries(change).flatMap(([key, value]) => [fields[key as keyof HeaderChange], value ?? '']);
  return change.state === 'PARKED' ? [...pairs, 'h', ''] : pairs;
}

/** The header of a flat list of fields and values; undefined where there is no run. */
export function readHeader(id: string, flat: readonly string[]): RunHeader | undefined {
  const of = pairsOf(flat);
  const text = (field: string): string | undefined => of.get(field) || undefined;
  if (text('s') === undefined) return undefined;
  const version = text('v');
  const host = text('h');
  const wakeAt = text('w');
  const note = text('o');
  const outcome = text('r');
  const createdAt = Number(text('t') ?? 0);
  return {
    id,
    name: text('n') ?? '',
    state: text('s') as WorkflowState, // written by our scripts only
    queue: text('q') ?? '',
    call: text('c') ?? '[]',
    fence: Number(text('f') ?? 0),
    createdAt,
    updatedAt: Number(text('u') ?? createdAt),
    ...(version === undefined ? {} : { version }),
    ...(host === undefined ? {} : { host }),
    ...(wakeAt === undefined ? {} : { wakeAt: Number(wakeAt) }),
    ...(note === undefined ? {} : { note }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** Entries of a stream as items of an inbox. */
export function readInbox(
  entries: readonly (readonly [at: string, fields: readonly string[]])[],
): readonly InboxItem[] {
  return entries.map(([at, flat]) => {
    const of = pairsOf(flat);
    return { at, kind: of.get('k') as InboxItem['kind'], name: of.get('n') ?? '', body: of.get('b') ?? 'null' };
  });
}

/** A log; the marks of delivered items are left out. */
export function readLog(flat: readonly string[]): StoredRun['log'] {
  const log = pairsOf(flat);
  for (const key of log.keys()) if (key.startsWith('!')) log.delete(key);
  return log;
}

function pairsOf(flat: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.set(flat[index] as string, flat[index + 1] as string);
  return pairs;
}
