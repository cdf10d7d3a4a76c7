// P8: chords of 10,000 and 100,000 members against as many plain tasks, and how long Redis answers nobody meanwhile.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { type Measurement, measureRounds } from '../measure.ts';
import { type SystemProcess, withProcesses } from '../process.ts';
import { watchStalls } from '../stall-watch.ts';
import type { SystemName } from '../systems/systems.ts';

/** Chords of 10,000 before the first that counts: what follows runs in code that is compiled, as the plain tasks do. */
const warmUps = 3;

export const chord: Bench = async (context) => ({
  rounds: await measureRounds(
    context.load.rounds,
    [driver(context, 'lovage', 'redis://'), driver(context, 'lovage-streams', 'redis+streams://')],
    (done) => context.say(`round ${done} of ${context.load.rounds}`),
  ),
});

function driver({ load, redis }: BenchContext, system: SystemName, name: string): Measurement {
  const [some, many] = [scaled(load, 10_000, 100), scaled(load, 100_000, 1_000)];
  return async () => {
    await redis.client.flushall();
    return withProcesses(redis.url, [system, system], async (producer, worker) => {
      if (producer === undefined || worker === undefined) return {};
      await worker.ask('work');
      for (let turn = 0; turn < warmUps; turn += 1) await producer.ask('chord', some);
      const small = await producer.ask('chord', some);
      const plain = await plainRate(producer, worker, 2 * some);
      const stalls = await watchStalls(redis.url);
      const large = await producer.ask('chord', many);
      const longest = await stalls.stop();
      const group = await producer.ask('group', many);
      return {
        [`${name} plain tasks`]: plain,
        [`${name} chord of 10,000`]: some / small.seconds,
        [`${name} chord of 100,000`]: many / large.seconds,
        [`${name} chord of 100,000, longest Redis stall`]: longest,
        [`${name} group of 100,000, heap gained by its producer`]: group.heap / 2 ** 20,
        [`${name} group of 100,000, its values awaited`]: many / group.seconds,
      };
    });
  };
}

/** Tasks a second that are sent by one process and run by the other, their results stored. */
async function plainRate(producer: SystemProcess, worker: SystemProcess, count: number): Promise<number> {
  const before = await worker.ask('ran');
  const started = performance.now();
  const sending = producer.ask('fill', count);
  while ((await worker.ask('ran')) - before < count) await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = (performance.now() - started) / 1000;
  await sending;
  return count / seconds;
}
