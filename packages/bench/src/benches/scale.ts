// How the run rate of Streams grows with worker processes on one machine, and how much of its time Redis works.
import { availableParallelism } from 'node:os';
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds } from '../measure.ts';
import { type SystemProcess, withProcesses } from '../process.ts';
import type { SystemName } from '../systems/systems.ts';

const processes = [1, 2, 4];
/** Between two looks at how many have been run, in milliseconds: 1 % of what is measured. */
const lookPause = 10;

export const scale: Bench = async (context) => {
  context.say(`${availableParallelism()} cores, shared by Redis and the workers`);
  const measurements = processes.map((count) => drainBy(context, count));
  return {
    rounds: await measureRounds(context.load.rounds, measurements, (done) =>
      context.say(`round ${done} of ${context.load.rounds}`),
    ),
  };
};

/** A queue filled beforehand, run by so many worker processes at once. The first fifth warms up. */
function drainBy({ load, redis }: BenchContext, count: number): Measurement {
  const system: SystemName = 'lovage-streams';
  const plural = count === 1 ? '1 process' : `${count} processes`;
  return async () => {
    await redis.client.flushall();
    const tasks = scaled(load, 100_000, 1_000);
    return withProcesses(
      redis.url,
      Array.from({ length: count + 1 }, () => system),
      async (producer, ...workers) => {
        await producer?.ask('fill', tasks);
        await Promise.all(workers.map((worker) => worker.ask('work')));
        await ran(workers, tasks / 5);
        const [began, cpu, first] = [performance.now(), await redisCpu(redis.client), await sum(workers)];
        await ran(workers, tasks);
        const seconds = (performance.now() - began) / 1000;
        const busy = (await redisCpu(redis.client)) - cpu;
        return {
          [`redis+streams:// run by ${plural}`]: (tasks - first) / seconds,
          [`Redis's share of the time, ${plural}`]: (busy / seconds) * 100,
        };
      },
    );
  };
}

async function sum(workers: readonly SystemProcess[]): Promise<number> {
  const counts = await Promise.all(workers.map((worker) => worker.ask('ran')));
  return counts.reduce((total, one) => total + one, 0);
}

/** Resolves when all of them together have run that many. */
async function ran(workers: readonly SystemProcess[], count: number): Promise<void> {
  while ((await sum(workers)) < count) await new Promise((resolve) => setTimeout(resolve, lookPause));
}

/** CPU seconds of the server so far. */
async function redisCpu(client: BenchContext['redis']['client']): Promise<number> {
  const info = await client.info('cpu');
  const of = (name: string): number => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(info)?.[1]);
  return of('sys') + of('user');
}
