import { chord, Lovage } from '@lovage/core';
import { type LogFields, type Logger, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();
const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
  vi.unstubAllEnvs();
});

const appModule = { url: new URL('pool-app.mjs', import.meta.url).href, exportName: 'app' };
const timeout = '20s';

/** The worker's own side: the same names, whose handlers must not run here. */
async function start(pool: 'threads' | 'processes') {
  vi.stubEnv('LOVAGE_BROKER_URL', redis.server.url);
  vi.stubEnv('LOVAGE_PREFIX', `t${newTaskId()}`);
  const log: LogFields[] = [];
  const line = (message: string, fields: LogFields = {}) => void log.push({ message, ...fields });
  const logger: Logger = { debug: () => {}, info: line, warn: line, error: line, child: () => logger };
  const app = new Lovage('pools', { drivers: [redisDriver], logger });
  open.push(app);
  const here = (): never => {
    throw new Error('the handler ran in the worker itself');
  };
  for (const name of ['add', 'sum', 'tell', 'hold', 'again', 'send', 'swap', 'grow'])
    app.task({ name, maxRetries: 2 }, here);
  const worker = await startWorker(app, { pool, appModule, concurrency: 3, drain: '1s' });
  const call = async (name: string, ...args: unknown[]) => (await app.sendTask(name, args)).get({ timeout });
  return { app, worker, call, log };
}

describe.each(['threads', 'processes'] as const)(
  'what a handler may do in the pool of %s',
  { timeout: 60_000 },
  (pool) => {
    it('progress, states, logs, retries, sends, replacements, chords, aborts', async () => {
      const { app, call, log } = await start(pool);
      const info = await app.sendTask('tell');
      const seen: unknown[] = [];
      for await (const value of info.progress()) seen.push(value);
      expect([await info.get({ timeout }), seen]).toEqual(['told', [{ current: 1, total: 2 }]]);
      expect(log).toContainEqual({ message: 'from the child', task: 'tell', taskId: info.id, attempt: 1, step: 1 });
      expect(await call('again')).toEqual([3, 2]);
      expect(await call('send')).toBe(5);
      expect(await call('swap')).toBe(42);
      const [grow, add, sum] = ['grow', 'add', 'sum'].map((name) => app.remote(name));
      const body = chord([grow?.s() as never, add?.s(1 as never, 1 as never) as never], sum?.s() as never);
      expect(await (await body.delay()).get({ timeout })).toBe(33);
      const held = await app.sendTask('hold');
      await until(async () => (await held.state()) === 'HOLDING', { what: 'the state' });
      expect(await held.info()).toEqual({ since: 'now' });
      await held.revoke({ terminate: true });
      await expect(held.get({ timeout })).rejects.toMatchObject({ name: 'TaskRevokedError' });
    });

    it('slots grow and shrink while it runs', async () => {
      const { app, worker, call } = await start(pool);
      await app.control.poolGrow(2, { timeout: '200ms' });
      expect(worker.slots).toBe(5);
      const held = await Promise.all(Array.from({ length: 5 }, () => app.sendTask('hold')));
      await until(
        async () => (await Promise.all(held.map((one) => one.state()))).every((state) => state === 'HOLDING'),
        {
          timeout: 30_000,
          what: 'five at once',
        },
      );
      await app.control.poolShrink(4, { timeout: '200ms' });
      expect([worker.slots, worker.report().running.length]).toEqual([1, 5]);
      await app.control.terminate(
        held.map(({ id }) => id),
        { timeout: '200ms' },
      );
      expect(await call('add', 1, 2)).toBe(3);
    });
  },
);
