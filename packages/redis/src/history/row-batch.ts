import type { RunRow, RunState } from '@lovage/core/driver';

const states: readonly RunState[] = ['SUCCESS', 'FAILURE', 'RETRY', 'REVOKED'];

/** What few rows have. */
type Extra = Pick<RunRow, 'tags' | 'error' | 'reason'>;
type PackedRow = [
  id: string,
  task: number,
  queue: number,
  state: number,
  after: number,
  wait: number,
  run: number,
  attempt: number,
  extra?: Extra,
];

interface PackedBatch {
  /** The worker. */
  readonly w: string;
  /** When the first one ended, epoch ms. */
  readonly t: number;
  /** Names of tasks and queues, referred to by their place. */
  readonly n: string[];
  readonly r: PackedRow[];
}

/**
 * Rows of one worker as text: names stand once, times are told from the first one. A row of a success takes about 62 bytes, of which
 * 38 are its id (a row as an entry with fields of its own takes 190).
 */
export function packRows(rows: readonly RunRow[]): string {
  const [first] = rows;
  const names = new Map<string, number>();
  const place = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    names.set(name, names.size);
    return names.size - 1;
  };
  const packed = rows.map((row): PackedRow => {
    const { id, task, queue, state, at, wait, run, attempt } = row;
    const base: PackedRow = [
      id,
      place(task),
      place(queue),
      states.indexOf(state),
      at - (first?.at ?? 0),
      wait,
      run,
      attempt,
    ];
    const extra = extraOf(row);
    if (extra) base.push(extra);
    return base;
  });
  const batch: PackedBatch = { w: first?.worker ?? '', t: first?.at ?? 0, n: [...names.keys()], r: packed };
  return JSON.stringify(batch);
}

function extraOf({ tags, error, reason }: RunRow): Extra | undefined {
  if (tags === undefined && error === undefined && reason === undefined) return undefined;
  return { ...(tags ? { tags } : {}), ...(error ? { error } : {}), ...(reason === undefined ? {} : { reason }) };
}

/** The rows of a text that {@link packRows} made; none of foreign bytes. */
export function unpackRows(text: string): readonly RunRow[] {
  try {
    const { w, t, n, r } = JSON.parse(text) as PackedBatch;
    return r.map(([id, task, queue, state, after, wait, run, attempt, extra]) => ({
      id,
      task: n[task] ?? '',
      queue: n[queue] ?? '',
      state: states[state] ?? 'SUCCESS',
      at: t + after,
      wait,
      run,
      attempt,
      worker: w,
      ...extra,
    }));
  } catch {
    return []; // not written by us
  }
}
