// P9: what it costs a producer to await 10,000 results at once, in CPU and in connections.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { measureRounds } from '../measure.ts';
import { withProcesses } from '../process.ts';

export const awaitResults: Bench = async (context) => ({
  rounds: await measureRounds(context.load.rounds, [() => measure(context)], (done) =>
    context.say(`round ${done} of ${context.load.rounds}`),
  ),
});

function measure({ load, redis }: BenchContext): Promise<Record<string, number>> {
  const count = scaled(load, 10_000, 100);
  return withProcesses(redis.url, ['lovage', 'lovage'], async (producer, worker) => {
    await redis.client.flushall();
    await producer?.ask('send', count);
    const waiting = producer?.ask('awaitSent'); // every get() is under way before the first task is run
    await worker?.ask('work');
    const awaited = await waiting;
    const many = await connections(redis.client);
    await producer?.ask('trip', 1);
    const one = await connections(redis.client);
    return {
      'redis:// producer CPU of an awaited result, 10,000 at once': (awaited?.cpu ?? 0) / count,
      'redis:// connections that 10,000 waits add to those of a first one': many - one,
    };
  });
}

async function connections(client: BenchContext['redis']['client']): Promise<number> {
  return String(await client.client('LIST'))
    .trim()
    .split('\n').length;
}
