import { expect } from 'vitest';
import type { Lovage } from '../../app/app.ts';
import { Inspector } from '../../inspect/inspector.ts';
import type { AsyncResult } from '../../results/async-result.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** One task per key, and what other calls get. */
export const uniqueScenarios: readonly Scenario[] = [
  {
    name: 'unique, reuse: while a task waits or runs, calls with its arguments get its result, from any process',
    async run(bench) {
      const runs: string[] = [];
      const gate = deferred();
      const define = (app: Lovage) =>
        app.task({ name: 'sync', unique: true }, async (shop: { id: string; kind: string }) => {
          runs.push(shop.id);
          await gate.promise;
          return `${shop.id} in sync`;
        });
      const app = bench.app();
      const [here, there] = [define(app), define(bench.app())];
      const first = await here.delay({ id: 'a', kind: 'x' });
      const second = await there.delay({ kind: 'x', id: 'a' });
      const other = await there.delay({ id: 'b', kind: 'x' });
      expect([second.id === first.id, other.id === first.id]).toEqual([true, false]);
      await bench.worker(app);
      await until(() => runs.length === 2, { what: 'both to run' });
      const third = await there.delay({ id: 'a', kind: 'x' });
      const many = await here.delayMany([[{ id: 'a', kind: 'x' }], [{ id: 'b', kind: 'x' }]]);
      expect(many.map(({ id }) => id)).toEqual([first.id, other.id]);
      gate.resolve();
      expect(await Promise.all([first.get({ timeout }), second.get({ timeout }), third.get({ timeout })])).toEqual([
        'a in sync',
        'a in sync',
        'a in sync',
      ]);
      await other.get({ timeout });
      expect(runs).toHaveLength(2);
      expect((await here.delay({ id: 'a', kind: 'x' })).id).not.toBe(first.id);
    },
  },
  {
    name: 'unique, queued: a call that comes when its task has started sends another',
    async run(bench) {
      const app = bench.app();
      const begun = [deferred(), deferred()];
      const gate = deferred();
      let runs = 0;
      const reindex = app.task({ name: 'reindex', unique: { scope: 'queued', key: () => 'all' } }, async () => {
        begun[runs++]?.resolve();
        await gate.promise;
        return runs;
      });
      const [first, same] = [await reindex.delay(), await reindex.delay()];
      expect(same.id).toBe(first.id);
      await bench.worker(app);
      await begun[0]?.promise;
      const second = await reindex.delay();
      expect(second.id).not.toBe(first.id);
      await begun[1]?.promise;
      gate.resolve();
      await Promise.all([first, second].map((result) => result.get({ timeout })));
    },
  },
  {
    name: 'unique, reject: a clear error names the task that holds the key; nothing is sent; the end frees it',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const report = app.task(
        { name: 'report', unique: { key: ([month]) => month, onConflict: 'reject' } },
        async (_month: string, n: number) => {
          await gate.promise;
          return n;
        },
      );
      const first = await report.delay('may', 1);
      const refused = await report.delay('may', 2).catch((error: unknown) => error);
      expect(refused).toMatchObject({ name: 'TaskNotUniqueError', code: 'TASK_NOT_UNIQUE', taskId: first.id });
      expect(await settled(report.call(['may', 3], { timeout }))).toMatchObject({ name: 'TaskNotUniqueError' });
      await report.delay('june', 4);
      await bench.worker(app);
      gate.resolve();
      expect(await first.get({ timeout })).toBe(1);
      const next = await anotherThan(first, () => report.delay('may', 5).catch(() => first));
      expect(await next.get({ timeout })).toBe(5);
    },
  },
  {
    name: 'unique, replace: the new task takes the place of one that waits, which ends REVOKED (replaced)',
    async run(bench) {
      const app = bench.app();
      const runs: number[] = [];
      const render = app.task(
        { name: 'render', unique: { key: ([page]) => page, scope: 'queued', onConflict: 'replace' } },
        (_page: string, version: number) => {
          runs.push(version);
          return version;
        },
      );
      const results = [await render.delay('home', 1), await render.delay('home', 2), await render.delay('home', 3)];
      const info = results.map((result) => settled(result.get({ timeout })));
      await bench.worker(app);
      const replaced = { name: 'TaskRevokedError', message: expect.stringContaining('(replaced)') };
      expect(await Promise.all(info)).toEqual([replaced, replaced, 3]);
      expect(runs).toEqual([3]);
    },
  },
  {
    name: 'unique, running and replace: a running task goes on, and one new task waits for its end',
    async run(bench) {
      const app = bench.app();
      const begun = deferred();
      const gate = deferred();
      const runs: number[] = [];
      let sameSlot = 0;
      let most = 0;
      const build = app.task(
        { name: 'build', unique: { key: () => 'main', scope: 'running', onConflict: 'replace' } },
        async (commit: number) => {
          runs.push(commit);
          most = Math.max(most, ++sameSlot);
          begun.resolve();
          if (commit === 1) await gate.promise;
          sameSlot -= 1;
          return commit;
        },
      );
      await bench.worker(app);
      const first = await build.delay(1);
      await begun.promise;
      const second = await build.delay(2);
      const third = await build.delay(3);
      expect(await settled(second.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      expect(runs).toEqual([1]);
      gate.resolve();
      expect(await Promise.all([first, third].map((result) => result.get({ timeout })))).toEqual([1, 3]);
      expect([runs, most]).toEqual([[1, 3], 1]);
    },
  },
  {
    name: 'unique: a key is free at once when its task was revoked, expired, or purged with its queue',
    async run(bench) {
      const app = bench.app();
      const load = app.task({ name: 'load', unique: { key: () => 'one' } }, (n: number) => n);
      const revoked = await load.delay(1);
      await revoked.revoke();
      const purged = await load.delay(2);
      expect(purged.id).not.toBe(revoked.id);
      await new Inspector(app).purge('default');
      const expired = await load.applyAsync([3], { expires: 1 });
      expect(expired.id).not.toBe(purged.id);
      const now = Date.now();
      await until(() => Date.now() > now + 5, { what: 'its time to pass' });
      await bench.worker(app);
      expect(await settled(expired.get({ timeout }))).toMatchObject({ message: expect.stringContaining('expired') });
      const last = await anotherThan(expired, () => load.delay(4));
      expect(await last.get({ timeout })).toBe(4);
    },
  },
  {
    name: 'unique: a key is held through retries and freed at the last failure',
    async run(bench) {
      const app = bench.app();
      const seen: number[] = [];
      const flaky = app.task(
        { name: 'flaky', bind: true, unique: true, maxRetries: 2, defaultRetryDelay: 50 },
        async (self) => {
          seen.push(self.retries);
          self.retry();
        },
      );
      const first = await flaky.delay();
      await bench.worker(app);
      await until(() => seen.length >= 2, { what: 'a retry' });
      if (seen.length < 3) expect((await flaky.delay()).id).toBe(first.id);
      expect(await settled(first.get({ timeout }))).toMatchObject({ name: 'TaskFailedError' });
      const next = await anotherThan(first, () => flaky.delay());
      await settled(next.get({ timeout }));
    },
  },
  {
    name: 'unique: a task whose worker was lost keeps its key until it has ended',
    needs: 'loseLease',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      let runs = 0;
      const work = app.task({ name: 'work', unique: true }, async () => {
        runs += 1;
        if (runs === 1) await gate.promise;
        return runs;
      });
      await bench.worker(app);
      const first = await work.delay();
      await until(() => runs === 1, { what: 'the first run' });
      await bench.store.loseLease?.('default', first.id);
      expect((await work.delay()).id).toBe(first.id);
      gate.resolve();
      await first.get({ timeout });
    },
  },
  {
    name: 'throttle: the first call of a period runs, the others get its result, also after it has ended',
    async run(bench) {
      const app = bench.app();
      let runs = 0;
      const refresh = app.task(
        { name: 'refresh', throttle: { period: '1s', key: ([id]) => id } },
        (_id: string) => ++runs,
      );
      await bench.worker(app);
      const first = await refresh.delay('a');
      expect(await first.get({ timeout })).toBe(1);
      expect(await refresh.call(['a'], { timeout })).toBe(1);
      const next = await anotherThan(first, () => refresh.delay('a'));
      expect(await next.get({ timeout })).toBe(2);
    },
  },
  {
    name: 'debounce: of calls that follow each other closely only the last runs, when it has been quiet',
    async run(bench) {
      const app = bench.app();
      const runs: string[] = [];
      const save = app.task(
        { name: 'save', debounce: { period: '400ms', key: ([id]) => id } },
        (_id: string, text: string) => {
          runs.push(text);
          return text;
        },
      );
      await bench.worker(app);
      const results: AsyncResult[] = [];
      let begun = 0;
      for (const text of ['h', 'he', 'hel', 'hell', 'hello']) {
        begun = Date.now();
        results.push(await save.delay('doc', text));
      }
      const other = await save.delay('other', 'x');
      const info = await Promise.all(results.map((result) => settled(result.get({ timeout }))));
      expect(Date.now() - begun).toBeGreaterThanOrEqual(399);
      expect(info.slice(0, 4).every((end) => (end as Error).name === 'TaskRevokedError')).toBe(true);
      expect(info[4]).toBe('hello');
      await other.get({ timeout });
      expect(runs.sort()).toEqual(['hello', 'x']);
    },
  },
  {
    name: 'debounce, timeout: calls that never end do not put it off for ever',
    async run(bench) {
      const app = bench.app();
      const runs: number[] = [];
      const save = app.task(
        { name: 'save', debounce: { period: '400ms', timeout: '1s', key: () => 'doc' } },
        (n: number) => void runs.push(n),
      );
      await bench.worker(app);
      let n = 0;
      const begun = Date.now();
      await until(
        async () => {
          if (runs.length === 0) await save.delay(++n);
          return runs.length > 0;
        },
        { what: 'a run in spite of the calls', timeout: 10_000 },
      );
      expect(Date.now() - begun).toBeGreaterThan(900);
      expect(n).toBeGreaterThan(3);
    },
  },
  {
    name: 'unique as an option of a call: its key is a text, false switches the rule of the task off',
    async run(bench) {
      const app = bench.app();
      const plain = app.task('plain', (n: number) => n);
      const rare = app.task({ name: 'rare', throttle: '1h' }, (n: number) => n);
      const keyed = { unique: { key: 'k' } } as const;
      const [a, b] = [await plain.applyAsync([1], keyed), await plain.s(2).applyAsync([], keyed)];
      expect(b.id).toBe(a.id);
      expect((await app.sendTask('plain', [3], keyed)).id).toBe(a.id);
      const first = await rare.delay(1);
      expect((await rare.delay(1)).id).toBe(first.id);
      expect((await rare.applyAsync([1], { unique: false })).id).not.toBe(first.id);
      await expect(plain.s(1).pipe(rare.si(1)).delay()).rejects.toThrow('task "rare" is unique');
      const chain = plain.s(1).pipe(rare.si(2).set({ unique: false }));
      await bench.worker(app);
      expect(await chain.call([], { timeout })).toBe(2);
      expect(await a.get({ timeout })).toBe(1);
    },
  },
];

/** Calls until it is not answered with the result of the task that was there. */
async function anotherThan<T>(there: AsyncResult, call: () => Promise<AsyncResult<T>>): Promise<AsyncResult<T>> {
  let result = await call();
  await until(
    async () => {
      if (result.id !== there.id) return true;
      result = await call();
      return false;
    },
    { what: 'the key to be free' },
  );
  return result;
}
