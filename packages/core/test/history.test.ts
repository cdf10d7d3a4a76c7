import { afterEach, expect, it } from 'vitest';
import { runtimeOf } from '../src/app/app-runtime.ts';
import type { HistoryStore } from '../src/history/history-store.ts';
import { type AppOptions, Lovage } from '../src/index.ts';
import { silentLogger } from '../src/logger.ts';
import { startWorker } from '../src/worker.ts';

const apps: Lovage[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function start(options: AppOptions) {
  const app = new Lovage('shop', { logger: silentLogger, ...options });
  apps.push(app);
  const ok = app.task('ok', (n: number) => n);
  const fails = app.task({ name: 'fails', maxRetries: 1, autoretryFor: [Error], defaultRetryDelay: 1 }, (n: number) => {
    throw new TypeError(`no ${n}`);
  });
  const worker = await startWorker(app, { name: 'w' });
  const history = (await runtimeOf(app).stores.open()).history as HistoryStore;
  return { app, ok, fails, worker, history };
}

it('writes failed and retried attempts, and the successes of a quiet system, with their statistics', async () => {
  const { ok, fails, worker, history } = await start({ broker: 'memory://' });
  await ok.call([1]);
  const failed = await fails.delay(7);
  await expect(failed.get()).rejects.toThrow('no 7');
  await worker.close();
  const [success] = (await history.rows('succeeded', { limit: 5 })).rows;
  expect(success).toMatchObject({ task: 'ok', queue: 'default', state: 'SUCCESS', attempt: 1, worker: 'w' });
  const rows = (await history.rows('other', { limit: 5 })).rows;
  expect(rows.map(({ state, attempt, error }) => [state, attempt, error?.name])).toEqual([
    ['FAILURE', 2, 'TypeError'],
    ['RETRY', 1, 'TypeError'],
  ]);
  expect(rows[0]?.error?.frame).toContain('history.test.ts');
  expect((await history.attempts(failed.id)).map(({ state }) => state)).toEqual(['RETRY', 'FAILURE']);
  const [failure] = await history.failures({ limit: 5 });
  expect(JSON.parse(failure?.message ?? '')).toMatchObject({ id: failed.id, task: 'fails', args: [7], retries: 1 });
  const minute = Math.floor(Date.now() / 60_000);
  const stats = await history.minutes(minute - 1, minute);
  expect(stats.reduce((sum, one) => sum + one.failed, 0)).toBe(1);
  expect(stats.reduce((sum, one) => sum + one.succeeded, 0)).toBe(1);
  expect(stats.reduce((sum, one) => sum + one.retried, 0)).toBe(1);
});

it.each([
  ['failures', 0],
  ['sampled', 20],
  ['all', 300],
  ['off', 0],
] as const)('with history %s it writes at least %d of 300 successes', async (history, least) => {
  const started = await start({ broker: 'memory://', history });
  await Promise.all(Array.from({ length: 300 }, (_, index) => started.ok.call([index])));
  await started.worker.close();
  const { rows } = await started.history.rows('succeeded', { limit: 1_000 });
  expect(rows.length).toBeGreaterThanOrEqual(least);
  if (history !== 'all') expect(rows.length).toBeLessThanOrEqual(least * 6); // a busy machine takes several seconds
  const counted = (await started.history.minutes(0, Number.MAX_SAFE_INTEGER)).reduce(
    (sum, one) => sum + one.succeeded,
    0,
  );
  expect(counted).toBe(history === 'off' ? 0 : 300);
});

it('goes on when the history cannot be written', async () => {
  const { ok, worker, history } = await start({ broker: 'memory://' });
  history.append = () => Promise.reject(new Error('full'));
  expect(await ok.call([1])).toBe(1);
  await worker.close();
});
