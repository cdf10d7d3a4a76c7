import { expect } from 'vitest';
import type { HistoryStore } from '../../history/history-store.ts';
import type { MinuteStats } from '../../history/minute-stats.ts';
import type { FailureEntry, RunKind, RunRow } from '../../history/run-row.ts';
import { newTaskId } from '../../message/task-id.ts';
import type { ConformanceOptions, Harness } from './harness.ts';
import { type ConformanceCase, declareSuite } from './suite.ts';

/**
 * The exam of a {@link HistoryStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `history` only.
 */
export function historyConformance(driver: string, options: ConformanceOptions): void {
  const createBench = (harness: Harness): HistoryBench => new HistoryBench(harness);
  declareSuite({ seam: 'history', createBench, cases: historyCases }, driver, options);
}

class HistoryBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get history(): HistoryStore {
    expect(this.harness.connection.history, 'the harness must give a history').toBeDefined();
    return this.harness.connection.history as HistoryStore;
  }
}

const now = Date.now();

function createRow(given: Partial<RunRow> = {}): RunRow {
  return {
    ...{ id: newTaskId(), task: 'math.add', queue: 'default', state: 'SUCCESS', at: now, wait: 5, run: 1.5 },
    ...{ attempt: 1, worker: 'shop-1@host' },
    ...given,
  };
}

function createFailure(given: Partial<RunRow> = {}, fingerprint = '0123456789ab'): FailureEntry {
  const error = {
    name: 'CardError',
    message: 'žluťoučký "card"\n🐴',
    fingerprint,
    frame: 'charge (/app/tasks.ts:3:9)',
  };
  const row = { ...createRow({ state: 'FAILURE', attempt: 4, ...given }), error };
  return { row, message: JSON.stringify({ id: row.id, args: [1, '\u2028'] }), stack: 'CardError\n  at charge' };
}

function createMinute(given: Partial<MinuteStats> = {}): MinuteStats {
  return {
    ...{ minute: 29_000_000, task: 'math.add', queue: 'default', succeeded: 2, failed: 1, retried: 0, revoked: 0 },
    ...{ wait: { 3: 3 }, run: { 0: 1, 7: 2 }, busy: 40 },
    ...given,
  };
}

/** All rows of a stream, read in pages. */
async function readAll(history: HistoryStore, kind: RunKind, limit: number): Promise<readonly RunRow[]> {
  const found: RunRow[] = [];
  let before: string | undefined;
  for (;;) {
    const page = await history.rows(kind, { limit, ...(before === undefined ? {} : { before }) });
    expect(page.places).toHaveLength(page.rows.length);
    found.push(...page.rows);
    before = page.places.at(-1);
    if (!page.more || before === undefined) return found;
  }
}

const rowCases: readonly ConformanceCase<HistoryBench>[] = [
  {
    name: 'rows come back unchanged, the latest first, successes apart from the others',
    async run({ history, harness }) {
      const tags = ['customer=42', 'odd key=["a","b"]'];
      const error = createFailure().row.error;
      const successes = [createRow(), createRow({ task: 'mail "send"', queue: 'q:1', at: now + 1 })];
      const others = [
        createRow({ state: 'RETRY', error, tags }),
        createRow({ state: 'REVOKED', reason: 'expired', attempt: 2 }),
      ];
      await history.append({ rows: [...successes, ...others], failures: [], minutes: [] });
      const other = (await harness.another()).history as HistoryStore;
      expect(await readAll(other, 'succeeded', 10)).toEqual(successes.toReversed());
      expect(await readAll(other, 'other', 10)).toEqual(others.toReversed());
    },
  },
  {
    name: 'pages meet every row once, also while new ones come, whatever the size of batches and pages',
    async run({ history }) {
      const rows = Array.from({ length: 300 }, (_, index) => createRow({ id: `r${index}`, at: now + index }));
      for (let start = 0, size = 1; start < rows.length; start += size, size = (size * 3) % 61)
        await history.append({ rows: rows.slice(start, start + size), failures: [], minutes: [] });
      for (const limit of [1, 7, 100, 1_000]) {
        const ids = (await readAll(history, 'succeeded', limit)).map(({ id }) => id);
        expect(ids).toEqual(rows.map(({ id }) => id).reverse());
      }
      const first = await history.rows('succeeded', { limit: 10 });
      await history.append({ rows: [createRow({ id: 'later' })], failures: [], minutes: [] });
      const second = await history.rows('succeeded', { limit: 10, before: first.places.at(-1) as string });
      expect(second.rows.map(({ id }) => id)).toEqual(
        rows
          .map(({ id }) => id)
          .slice(280, 290)
          .reverse(),
      );
    },
  },
  {
    name: 'there are no rows at first, and none behind the last one',
    async run({ history }) {
      expect(await history.rows('other', { limit: 5 })).toEqual({ rows: [], places: [], more: false });
      await history.append({ rows: [createRow()], failures: [], minutes: [] });
      const [place] = (await history.rows('succeeded', { limit: 5 })).places;
      expect((await history.rows('succeeded', { limit: 5, before: place as string })).rows).toEqual([]);
    },
  },
  {
    name: "a task's attempts are told, except of one that succeeded at once",
    async run({ history }) {
      const id = newTaskId();
      const error = createFailure().row.error;
      const retry = createRow({ id, state: 'RETRY', error });
      const success = createRow({ id, attempt: 2, at: now + 5 });
      const plain = createRow();
      await history.append({ rows: [retry, plain], failures: [], minutes: [] });
      await history.append({ rows: [success], failures: [], minutes: [] });
      expect(await history.attempts(id)).toEqual([retry, success]);
      expect(await history.attempts(plain.id)).toEqual([]);
    },
  },
];

const minuteCases: readonly ConformanceCase<HistoryBench>[] = [
  {
    name: 'statistics of one minute, task and queue add up; others stand apart',
    async run({ history }) {
      const other = [createMinute({ queue: 'q"1' }), createMinute({ minute: 29_000_001 }), createMinute({ task: 'x' })];
      await history.append({ rows: [], failures: [], minutes: [createMinute(), ...other] });
      await history.append({ rows: [], failures: [], minutes: [createMinute({ retried: 4, run: { 7: 1, 9: 5 } })] });
      const found = await history.minutes(29_000_000, 29_000_001);
      expect(found).toHaveLength(4);
      const sum = { succeeded: 4, failed: 2, retried: 4, wait: { 3: 6 }, run: { 0: 1, 7: 3, 9: 5 }, busy: 80 };
      expect(found).toContainEqual(createMinute(sum));
      for (const stats of other) expect(found).toContainEqual(stats);
      expect(await history.minutes(29_000_002, 29_000_100)).toEqual([]);
      expect(await history.minutes(29_000_001, 29_000_001)).toEqual([other[1]]);
    },
  },
];

const failureCases: readonly ConformanceCase<HistoryBench>[] = [
  {
    name: 'failures come back unchanged, the latest first, in pages, all or of a group',
    async run({ history }) {
      const failures = Array.from({ length: 25 }, (_, index) =>
        createFailure({ id: `f${index}`, at: now + index }, index % 2 === 0 ? 'aaaaaaaaaaaa' : 'bbbbbbbbbbbb'),
      );
      await history.append({ rows: [], failures, minutes: [] });
      expect(await history.failures({ limit: 100 })).toEqual(failures.toReversed());
      const page = await history.failures({ limit: 10 });
      const last = page.at(-1)?.row as RunRow;
      expect(await history.failures({ limit: 10, after: last })).toEqual(failures.toReversed().slice(10, 20));
      const even = failures.filter((_, index) => index % 2 === 0);
      expect(await history.failures({ limit: 100, fingerprint: 'aaaaaaaaaaaa' })).toEqual(even.toReversed());
      expect(await history.failure(['f3', 'missing'])).toEqual([failures[3], undefined]);
      expect(await history.failure([])).toEqual([]);
    },
  },
  {
    name: 'groups tell how many there are and were, when the first and the last one came, and give an example',
    async run({ history }) {
      await history.append({ rows: [], failures: [createFailure({ id: 'one' })], minutes: [] });
      await history.append({ rows: [], failures: [createFailure({ id: 'two', at: now + 9, task: 't' })], minutes: [] });
      await history.append({
        rows: [],
        failures: [createFailure({ id: 'c', at: now + 3 }, 'cccccccccccc')],
        minutes: [],
      });
      const [group, other] = await history.failureGroups();
      const { message, frame } = createFailure().row.error;
      expect(group).toEqual({
        ...{ fingerprint: '0123456789ab', name: 'CardError', message, frame, task: 't', open: 2, total: 2 },
        ...{ firstAt: now, lastAt: now + 9, example: 'two' },
      });
      expect(other?.fingerprint).toBe('cccccccccccc');
      expect(await history.removeFailures(['one', 'c'])).toEqual([true, true]);
      expect(await history.failureGroups()).toEqual([{ ...group, open: 1, total: 2 }]);
    },
  },
  {
    name: 'a failure is removed once; the same task that fails again is on the list once',
    async run({ history }) {
      await history.append({ rows: [], failures: [createFailure({ id: 'one' })], minutes: [] });
      await history.append({ rows: [], failures: [createFailure({ id: 'one', at: now + 5 })], minutes: [] });
      expect(await history.failures({ limit: 10 })).toEqual([createFailure({ id: 'one', at: now + 5 })]);
      expect(await history.removeFailures(['one', 'one', 'missing'])).toEqual([true, false, false]);
      expect(await history.failures({ limit: 10 })).toEqual([]);
      expect(await history.failureGroups()).toEqual([]);
    },
  },
];

const keepCases: readonly ConformanceCase<HistoryBench>[] = [
  {
    name: 'the oldest go when there are too many',
    history: { rows: 200, failures: 20 },
    async run({ history }) {
      const rows = Array.from({ length: 600 }, (_, index) => createRow({ id: `r${index}`, at: now + index }));
      for (let start = 0; start < rows.length; start += 20)
        await history.append({ rows: rows.slice(start, start + 20), failures: [], minutes: [] });
      const left = await readAll(history, 'succeeded', 1_000);
      expect(left.length).toBeGreaterThanOrEqual(200);
      expect(left.length).toBeLessThanOrEqual(240);
      expect(left[0]).toEqual(rows.at(-1));
      const failures = Array.from({ length: 30 }, (_, index) => createFailure({ id: `f${index}`, at: now + index }));
      for (const failure of failures) await history.append({ rows: [], failures: [failure], minutes: [] });
      expect(await history.failures({ limit: 100 })).toEqual(failures.toReversed().slice(0, 20));
    },
  },
  {
    name: 'a sweep takes what is too old',
    history: { expires: 60_000 },
    async run({ history }) {
      const old = Date.now() - 120_000;
      const failures = [createFailure({ id: 'old', at: old }), createFailure({ id: 'young', at: Date.now() })];
      await history.append({ rows: [], failures, minutes: [] });
      await history.sweep();
      expect((await history.failures({ limit: 10 })).map(({ row }) => row.id)).toEqual(['young']);
    },
  },
  {
    name: 'what people did is told, the latest first',
    async run({ history }) {
      const entry = { at: now, who: 'ann', action: 'pause-queue', target: 'mail' };
      await history.audit(entry);
      await history.audit({ ...entry, action: 'retry', detail: { count: 3 } });
      expect(await history.audits(10)).toEqual([{ ...entry, action: 'retry', detail: { count: 3 } }, entry]);
      expect(await history.audits(1)).toHaveLength(1);
    },
  },
];

const historyCases: readonly ConformanceCase<HistoryBench>[] = [
  ...rowCases,
  ...minuteCases,
  ...failureCases,
  ...keepCases,
];
