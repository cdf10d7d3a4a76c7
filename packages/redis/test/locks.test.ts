import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { BeatProcess } from './beat-process.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function openApp(prefix: string): Lovage {
  const app = new Lovage('ledger', { broker: server.url, prefix, drivers: [redisDriver], logLevel: 'silent' });
  closers.push(() => app.close());
  return app;
}

function spawn(plan: object): BeatProcess {
  const child = new BeatProcess({ url: server.url, ...plan });
  closers.push(() => child.end());
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
