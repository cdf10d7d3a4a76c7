import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { deferred } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { silent } from './bench.ts';
import { RedisServer } from './redis-server.ts';

const drivers = [redisDriver, streamsDriver];

describe.each(['redis', 'redis+streams'] as const)('a worker on %s that closes while Redis is dead', (scheme) => {
  it('ends in time, and counts each of its tasks once', { timeout: 30_000 }, async () => {
    const server = await RedisServer.start();
    const broker = server.url.replace('redis', scheme);
    const conf = { broadcastQueues: ['fanout'] };
    const app = new Lovage('shop', { broker, prefix: `t${newTaskId()}`, logger: silent, drivers, conf });
    const begun = [deferred(), deferred()];
    app.task({ name: 'heeds', bind: true }, async (self) => {
      begun[0]?.resolve();
      await new Promise((_, reject) => self.signal.addEventListener('abort', () => reject(self.signal.reason)));
    });
    app.task('stubborn', () => {
      begun[1]?.resolve();
      return new Promise(() => {});
    });
    const worker = await startWorker(app, { concurrency: 2, queues: ['default', 'fanout'], events: true });
    await Promise.all([app.sendTask('heeds'), app.sendTask('stubborn')]);
    await Promise.all(begun.map(({ promise }) => promise));
    server.freeze();
    const since = performance.now();
    expect(await worker.close({ drain: 0 })).toEqual({ released: 0, abandoned: 2 });
    expect(performance.now() - since).toBeLessThan(5_000);
    await app.close();
    expect(performance.now() - since).toBeLessThan(10_000);
    server.thaw();
    await server.stop();
  });
});
