import { type AppOptions, Lovage } from '@lovage/core';
import { type Clock, newTaskId, systemClock } from '@lovage/core/driver';
import { startWorker } from '@lovage/core/worker';
import { afterEach, describe, expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const apps: Lovage[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

/** A machine whose clock is wrong by so much. */
function clockOff(ms: number): Clock {
  return {
    now: () => systemClock.now() + ms,
    monotonic: () => systemClock.monotonic(),
    after: (wait, fn, options) => systemClock.after(wait, fn, options),
  };
}

describe.each([
  ['an hour ahead', 3_600_000],
  ['an hour behind', -3_600_000],
])('a worker whose clock is %s of its caller', (_what, ms) => {
  it('starts what is in time, and knows what is left', async () => {
    const prefix = `t${newTaskId()}`;
    const open = (options: AppOptions = {}): Lovage => {
      const base = { broker: redis.server.url, prefix, drivers: [redisDriver], logLevel: 'silent' } as const;
      const app = new Lovage('clocks', { ...base, ...options });
      apps.push(app);
      return app;
    };
    const there = open({ clock: clockOff(ms) });
    there.task({ name: 'left', bind: true }, (self) => [self.remaining(), (self.deadline?.getTime() ?? 0) - ms]);
    await startWorker(there);
    const before = Date.now();
    const [left, at] = await open().remote<() => [number, number]>('left').call([], { timeout: '5s' });
    expect(left).toBeGreaterThan(3_000);
    expect(left).toBeLessThanOrEqual(5_100);
    expect(Math.abs(at - before - 5_000)).toBeLessThan(1_500); // its own clock says it in its own time
  });
});
