import { Lovage } from '@lovage/core';
import { newTaskId, sleep, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker, type Worker } from '@lovage/core/worker';
import { Worker as BullWorker } from 'bullmq';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { Reader } from '../src/streams/read/reader.ts';
import { silent } from './bench.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();
let proxy: TcpProxy;
afterEach(async () => {
  vi.restoreAllMocks();
});

/** Sockets that are never taken for dead: what is left is the watch. */
const slowSockets = { connection: { socketTimeout: '10m' } } as const;

interface Bench {
  readonly worker: Worker;
  /** Calls a task past the proxy; resolves when it has run. */
  readonly call: (n: number) => Promise<unknown>;
  readonly ran: readonly number[];
}

/** A worker behind a proxy, and a producer that is not. */
async function open(scheme: 'redis' | 'redis+streams', pollTimeout: string): Promise<Bench> {
  proxy = await TcpProxy.start(redis.server.port);
  const prefix = `t${newTaskId()}`;
  const shared = { prefix, logger: silent, drivers: [redisDriver, streamsDriver], ...slowSockets };
  const at = (url: string): string => url.replace('redis', scheme);
  const behind = new Lovage('shop', { ...shared, broker: at(proxy.url) });
  const beside = new Lovage('shop', { ...shared, broker: at(redis.server.url) });
  const ran: number[] = [];
  behind.task('note', (n: number) => ran.push(n));
  const worker = await startWorker(behind, { pollTimeout, lockDuration: '2s', stalledInterval: '1s', drain: 0 });
  redis.endings.push(
    () => proxy.stop(),
    () => beside.close(),
    () => behind.close(),
  );
  const call = async (n: number): Promise<unknown> => {
    await beside.sendTask('note', [n]);
    return until(() => ran.includes(n), { timeout: 15_000, what: `task ${n} to run` });
  };
  return { worker, call, ran };
}

describe.each(['redis', 'redis+streams'] as const)('%s', (scheme) => {
  it('a worker whose sockets are swallowed consumes again on new ones', async () => {
    const { call, worker } = await open(scheme, '2s');
    await call(1);
    proxy.swallow();
    await call(2);
    await until(() => (worker.longestUnpolledQueue?.since ?? 0) < 2_000, { what: 'the queue to be polled' });
  });

  it('control: without the watch it never does', async () => {
    const { call, ran } = await open(scheme, '10m');
    await call(1);
    proxy.swallow();
    const running = call(2).catch(() => undefined);
    await sleep(systemClock, 6_000);
    expect(ran).toEqual([1]);
    proxy.cut();
    await running;
  });

  it('a worker whose loop hangs, also when made anew, tells that it is wedged', async () => {
    const { worker, call } = await open(scheme, '1s');
    await call(1);
    const never = new Promise<never>(() => {});
    vi.spyOn(BullWorker.prototype, 'getNextJob').mockReturnValue(never);
    vi.spyOn(Reader.prototype, 'pump').mockReturnValue(undefined);
    await call(2).catch(() => undefined);
    const error = await worker.wedged;
    expect(error).toMatchObject({ name: 'ConsumerWedgedError', code: 'CONSUMER_WEDGED', queue: 'default' });
    expect(await worker.close()).toEqual({ released: 0, abandoned: 0 });
  });
});
