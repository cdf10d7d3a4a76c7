// P4: one call at a time on an idle system, producer and worker in two processes.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds, quantile } from '../measure.ts';
import { withProcesses } from '../process.ts';
import type { SystemName } from '../systems/systems.ts';

export const latency: Bench = async (context) => {
  const measurements = [
    calls(context, 'lovage', 'redis:// call()'),
    calls(context, 'lovage-streams', 'redis+streams:// call()'),
    calls(context, 'redis-list', 'ioredis LPUSH/BRPOP'),
    calls(context, 'bullmq', 'bullmq waitUntilFinished'),
  ];
  return {
    rounds: await measureRounds(context.load.rounds, measurements, (done) =>
      context.say(`round ${done} of ${context.load.rounds}`),
    ),
  };
};

function calls({ load, redis }: BenchContext, system: SystemName, name: string): Measurement {
  return async () => {
    await redis.client.flushall();
    const count = scaled(load, 2_000, 50);
    return withProcesses(redis.url, [system, system], async (producer, worker) => {
      await worker?.ask('work');
      await producer?.ask('calls', Math.ceil(count / 4)); // warms both up
      const times = (await producer?.ask('calls', count)) ?? [];
      return { [`${name} p50`]: quantile(times, 0.5) ?? 0, [`${name} p99`]: quantile(times, 0.99) ?? 0 };
    });
  };
}
