// C1, C2: Celery's own queues on Redis: what Lovage and Celery send, and what a worker of each runs with the same concurrency.
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds } from '../measure.ts';
import { celerySend, celeryVersion, startCeleryWorker } from '../systems/celery.ts';
import { celerySlots } from '../systems/system.ts';
import { publishAndRun } from './throughput.ts';

export const celeryQueues: Bench = async (context) => {
  const celery = celeryVersion();
  const measurements = [
    publishAndRun(context, 'lovage-celery', {
      publish: 'celery+redis:// send',
      run: 'celery+redis:// run, results stored',
      cpu: 'celery+redis:// worker CPU of a task',
    }),
    ...(celery === undefined ? [] : [sendAndRun(context)]),
  ];
  const rounds = await measureRounds(context.load.rounds, measurements, (done) =>
    context.say(`round ${done} of ${context.load.rounds}`),
  );
  const why = 'Celery is missing (node scripts/ensure-celery.mjs)';
  const missing = { 'celery send (delay)': why, 'celery run (prefork, 8)': why };
  return { rounds, ...(celery === undefined ? { missing } : {}) };
};

function sendAndRun({ load, redis }: BenchContext): Measurement {
  return async () => {
    await redis.client.flushall();
    const count = scaled(load, 5_000, 50);
    const sent = await celerySend(redis.url, count);
    const stop = startCeleryWorker(redis.url, celerySlots);
    try {
      return { 'celery send (delay)': sent, 'celery run (prefork, 8)': await drained(redis.client, count) };
    } finally {
      stop();
    }
  };
}

/** Tasks a second from the tenth of them on: each leaves one key, its result. */
async function drained(client: BenchContext['redis']['client'], count: number): Promise<number> {
  let begun: { readonly at: number; readonly keys: number } | undefined;
  for (;;) {
    const keys = await client.dbsize();
    const at = performance.now();
    if (keys >= count) return begun === undefined ? 0 : ((keys - begun.keys) / (at - begun.at)) * 1_000;
    if (keys >= count / 10) begun ??= { at, keys };
    await delay(5);
  }
}
