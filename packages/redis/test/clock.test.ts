import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type AsyncResult, Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { Inspector } from '@lovage/core/inspect';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { silent } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** Tolerated lateness: machines are busy. Far below the skews. */
const slack = 4_000;

/** A worker process whose clock is off by so many milliseconds; the function it returns sets it by as many more. */
async function startWorker(url: string, prefix: string, skew: number): Promise<(ms: number) => Promise<void>> {
  const clock = `data:text/javascript,const real = Date.now; globalThis.skew = ${skew}; Date.now = () => real() + globalThis.skew`;
  const loader = here('../../../node_modules/tsx/dist/loader.mjs');
  const env = { ...process.env, TSX_TSCONFIG_PATH: here('./tsconfig.beat.json') }; // finds core's sources
  const worker: ChildProcess = spawn(
    process.execPath,
    ['--import', loader, '--import', clock, here('./clock-worker.script.ts'), JSON.stringify({ url, prefix })],
    { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  redis.endings.push(async () => {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  });
  await once(worker.stdout as NonNullable<typeof worker.stdout>, 'data'); // it says that it is ready
  return async (ms) => {
    worker.send(ms);
    await once(worker, 'message'); // it is set
  };
}

/** An app in this process whose clock is off. */
function open(url: string, prefix: string, skew: number): Lovage {
  const clock = {
    now: () => Date.now() + skew,
    monotonic: () => performance.now(),
    after: (ms: number, fn: () => void, options?: { readonly background?: boolean }) => {
      const timer = setTimeout(fn, ms);
      if (options?.background) timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const app = new Lovage('clock', {
    broker: url,
    prefix,
    clock,
    logger: silent,
    conf: { broadcastQueues: ['fanout'] },
    drivers: [redisDriver, streamsDriver],
  });
  redis.endings.push(() => app.close());
  return app;
}

const minutes = 60_000;
const skews = [
  ['the producer ahead, the worker behind', 5 * minutes, -5 * minutes],
  ['the producer behind, the worker ahead', -5 * minutes, 5 * minutes],
] as const;

describe.each(['redis', 'redis+streams'] as const)('%s, by the clock of Redis', (scheme) => {
  it.each(skews)('with %s, nothing is early or late', async (_name, ofProducer, ofWorker) => {
    const prefix = `t${newTaskId()}`;
    const url = redis.server.url.replace('redis', scheme);
    await startWorker(url, prefix, ofWorker);
    const app = open(url, prefix, ofProducer);
    const began = Date.now();
    const remote = app.remote<(what: string) => number>('when');
    const broadcast = { queue: 'fanout', countdown: '1500ms' };
    const times = await Promise.all(
      [
        app.sendTask('when', ['at once']),
        app.sendTask('when', ['counted down'], { countdown: '1500ms' }),
        app.sendTask('when', ['on time'], { eta: new Date(began + 1_500) }),
        app.sendTask('when', ['retried']),
        app.sendTask('when', ['in time'], { countdown: '1s', expires: '8s' }),
        remote.s('one step').applyAsync([], { countdown: '1500ms' }),
        app.sendTask('when', ['debounced'], { debounce: { period: '1500ms', key: 'all' } }),
        app.broadcast(remote, ['to all'], broadcast).then(({ results }) => [...results.values()][0] as AsyncResult),
      ].map(async (sent) => (await sent).get({ timeout: '15s' }) as Promise<number>),
    );
    const due = [0, 1_500, 1_500, 1_500, 1_000, 1_500, 1_500, 1_500];
    const late = times.map((at, index) => at - began - (due[index] as number));
    expect(Math.min(...late)).toBeGreaterThan(-20); // two ways to tell the true time agree no better
    expect(Math.max(...late)).toBeLessThan(slack);
    const [worker] = await new Inspector(app).workers({ timeout: '1s' });
    expect(Math.abs((worker?.clockSkew ?? 0) + ofWorker)).toBeLessThan(200);
    const asked = await app.control.revokeByStampedHeaders({ customer: 1 }, { expires: '2m', timeout: '1s' });
    expect(Object.keys(asked.running)).toHaveLength(1); // it knows the rule by now
    const taken = await app.sendTask('when', ['taken back'], { stamps: { customer: 1 } });
    await expect(taken.get({ timeout: '15s' })).rejects.toMatchObject({ name: 'TaskRevokedError' });
    expect(await app.control.stampedRevocations()).toHaveLength(1);
  });

  it.each([
    ['on', 60 * minutes],
    ['back', -60 * minutes],
  ])('with the clock of the worker set %s by an hour while it works, nothing is early or late', async (_name, step) => {
    const prefix = `t${newTaskId()}`;
    const url = redis.server.url.replace('redis', scheme);
    const set = await startWorker(url, prefix, 0);
    const app = open(url, prefix, 0);
    expect(await (await app.sendTask('when', ['at once'])).get({ timeout: '15s' })).toBeTypeOf('number');
    const before = await Promise.all([
      app.sendTask('when', ['counted down'], { countdown: '2500ms' }),
      app.sendTask('when', ['on time'], { eta: new Date(Date.now() + 2_500) }),
      app.sendTask('when', ['in time'], { countdown: '2500ms', expires: '30s' }),
    ]);
    const began = Date.now();
    await set(step);
    const after = await app.sendTask('when', ['retried']);
    const times = await Promise.all([...before, after].map((sent) => sent.get({ timeout: '15s' }) as Promise<number>));
    const due = [2_500, 2_500, 2_500, 1_500];
    const late = times.map((at, index) => at - began - (due[index] as number));
    expect(Math.min(...late)).toBeGreaterThan(-100); // they were sent before it began
    expect(Math.max(...late)).toBeLessThan(slack);
  });
});
