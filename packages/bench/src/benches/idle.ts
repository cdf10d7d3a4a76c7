// P11: what a worker costs that has nothing to do.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { measureRounds } from '../measure.ts';
import { withProcesses } from '../process.ts';

export const idle: Bench = async (context) => ({
  rounds: await measureRounds(context.load.rounds, [() => measure(context)], (done) =>
    context.say(`round ${done} of ${context.load.rounds}`),
  ),
});

function measure({ load, redis }: BenchContext): Promise<Record<string, number>> {
  const ms = scaled(load, 20_000, 500);
  return withProcesses(redis.url, ['lovage'], async (worker) => {
    await worker?.ask('work');
    await passed(Math.min(2_000, ms)); // what the start itself costs is over
    const [commands, cpu] = [await commandCount(redis.client), (await worker?.ask('cpu')) ?? 0];
    await passed(ms);
    const own = 1; // the INFO that counts
    return {
      'redis:// commands of an idle worker': ((await commandCount(redis.client)) - commands - own) / (ms / 1000),
      'redis:// CPU of an idle worker': (((await worker?.ask('cpu')) ?? 0) - cpu) / (ms * 10),
    };
  });
}

/** Calls of every command, those inside scripts included. */
async function commandCount(client: BenchContext['redis']['client']): Promise<number> {
  const stats = await client.info('commandstats');
  return [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

/** The figure is per second, so time itself must pass here. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
