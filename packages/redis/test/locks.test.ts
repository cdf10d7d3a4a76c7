import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { BeatProcess } from './beat-process.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

function openApp(prefix: string): Lovage {
  const app = new Lovage('ledger', { broker: redis.server.url, prefix, drivers: [redisDriver], logLevel: 'silent' });
  redis.endings.push(() => app.close());
  return app;
}

function spawn(plan: object): BeatProcess {
  const child = new BeatProcess({ url: redis.server.url, ...plan });
  redis.endings.push(() => child.end());
  return child;
}

it('a holder that is killed is followed within its lease and a second', async () => {
  const prefix = `t${newTaskId()}`;
  const app = openApp(prefix);
  const holder = spawn({ role: 'lock', prefix, ttl: 1_500 });
  await holder.said('held');
  const waiting = app.lock('held', { wait: '20s' });
  await holder.end('SIGKILL');
  const killedAt = performance.now();
  await (await waiting).release();
  expect(performance.now() - killedAt).toBeLessThan(2_500);
}, 60_000);
