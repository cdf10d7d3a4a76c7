// P12: whether a worker's heap grows while it drains a long queue.
import { type Bench, type BenchContext, scaled } from '../bench.ts';
import { measureRounds } from '../measure.ts';
import { type SystemProcess, withProcesses } from '../process.ts';

export const soak: Bench = async (context) => ({ rounds: await measureRounds(1, [() => measure(context)], () => {}) });

function measure({ load, redis, say }: BenchContext): Promise<Record<string, number>> {
  const count = scaled(load, 300_000, 600);
  return withProcesses(redis.url, ['lovage', 'lovage'], async (producer, worker) => {
    if (producer === undefined || worker === undefined) return {};
    await redis.client.flushall();
    await producer.ask('fill', count / 3);
    await worker.ask('drain', count / 3);
    const before = await worker.ask('heap');
    say(`${count / 3} tasks: ${megabytes(before).toFixed(2)} MB of heap`);
    await producer.ask('fill', (2 * count) / 3);
    await ranAll(worker, count);
    const after = await worker.ask('heap');
    say(`${count} tasks: ${megabytes(after).toFixed(2)} MB of heap`);
    return { 'redis:// heap growth in 100,000 tasks': megabytes(after - before) / ((2 * count) / 3 / 100_000) };
  });
}

async function ranAll(worker: SystemProcess, count: number): Promise<void> {
  while ((await worker.ask('ran')) < count) await new Promise((resolve) => setTimeout(resolve, 100));
}

const megabytes = (bytes: number): number => bytes / 2 ** 20;
