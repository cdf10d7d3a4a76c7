// P1, P2, P3, P5: how many tasks a second are published, run, and make the whole trip.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds } from '../measure.ts';
import { withProcesses } from '../process.ts';
import { celeryTrip, celeryVersion } from '../systems/celery.ts';
import type { SystemName } from '../systems/systems.ts';

export const throughput: Bench = async (context) => {
  const celery = celeryVersion();
  const measurements = [
    publishAndRun(context, 'lovage', {
      publish: 'redis:// publish',
      run: 'redis:// run, results stored',
      cpu: 'redis:// worker CPU of a task',
    }),
    publishAndRun(context, 'lovage-streams', {
      publish: 'redis+streams:// publish',
      run: 'redis+streams:// run, results stored',
      cpu: 'redis+streams:// worker CPU of a task',
    }),
    publishAndRun(context, 'bullmq', {
      publish: 'bullmq publish (addBulk 500)',
      run: 'bullmq run, no results',
      cpu: 'bullmq worker CPU of a job',
    }),
    publishAndRun(context, 'bee-queue', { publish: 'bee-queue publish', run: 'bee-queue run' }),
    publishAndRun(context, 'groupmq', { publish: 'groupmq publish', run: 'groupmq run' }),
    wholeTrip(context, 'lovage', 'redis:// whole trip'),
    wholeTrip(context, 'lovage-streams', 'redis+streams:// whole trip'),
    wholeTrip(context, 'bullmq', 'bullmq whole trip (waitUntilFinished)'),
    ...(celery === undefined ? [] : [celeryWholeTrip(context)]),
  ];
  const rounds = await measureRounds(context.load.rounds, measurements, (done) =>
    context.say(`round ${done} of ${context.load.rounds}`),
  );
  const missing =
    celery === undefined
      ? { 'celery whole trip': 'Celery is missing (apt-get install python3-celery python3-redis)' }
      : {};
  return { rounds, missing };
};

/** A queue filled beforehand by one process, then run by one worker process. */
export function publishAndRun(
  { load, redis }: BenchContext,
  system: SystemName,
  names: { readonly publish?: string; readonly run?: string; readonly cpu?: string },
): Measurement {
  return async () => {
    await redis.client.flushall();
    const count = scaled(load, 50_000, 200);
    return withProcesses(redis.url, [system, system], async (producer, worker) => {
      await producer?.ask('fill', Math.ceil(count / 5)); // connects, and warms up as a drain does
      const published = await producer?.ask('fill', count);
      const ran = await worker?.ask('drain', count);
      if (published === undefined || ran === undefined) return {};
      return {
        ...(names.publish === undefined ? {} : { [names.publish]: published.count / published.seconds }),
        ...(names.run === undefined ? {} : { [names.run]: ran.count / ran.seconds }),
        ...(names.cpu === undefined ? {} : { [names.cpu]: ran.cpu / ran.count }),
      };
    });
  };
}

/** Sent with `Promise.all`, run in another process, every result awaited. */
function wholeTrip({ load, redis }: BenchContext, system: SystemName, name: string): Measurement {
  return async () => {
    await redis.client.flushall();
    const count = scaled(load, 10_000, 100);
    return withProcesses(redis.url, [system, system], async (producer, worker) => {
      await worker?.ask('work');
      await producer?.ask('trip', count); // warms both up
      const trip = await producer?.ask('trip', count);
      return trip === undefined ? {} : { [name]: trip.count / trip.seconds };
    });
  };
}

function celeryWholeTrip({ load, redis }: BenchContext): Measurement {
  return async () => {
    await redis.client.flushall();
    return { 'celery whole trip': await celeryTrip(redis.url, scaled(load, 1_000, 20)) };
  };
}
