// P7: what a long backlog, or many delayed tasks, does to the reads and the memory of a worker.
import { type BenchContext, scaled } from '../bench.ts';
import { type Measurement, quantile } from '../measure.ts';
import { type Gaps, withProcesses } from '../process.ts';

/** A fetch each: the worker has one slot. */
const fetches = 2_000;
const few = 1_000;
const many = 1_000_000;
/** A million takes half a minute: not in every round. */
const rounds = 2;

/** Measured on Streams: how long a fetch takes behind few and many messages, and what the worker's process takes. */
export function backlogs(context: BenchContext): Measurement {
  const most = scaled(context.load, many, 5_000);
  let done = 0;
  return async () => {
    done += 1;
    if (done > rounds) return {};
    const short = await behind(context, { waiting: few, delayed: 0 });
    const long = await behind(context, { waiting: most, delayed: 0 });
    const delayed = await behind(context, { waiting: few, delayed: most });
    return {
      ...fetchesOf('behind a backlog of 1,000', short),
      ...fetchesOf('behind a backlog of 1,000,000', long),
      ...fetchesOf('behind 1,000,000 delayed tasks', delayed),
      'redis+streams:// worker memory gained by a backlog of 1,000,000': (long.rss - short.rss) / 1e6,
    };
  };
}

interface Backlog {
  readonly waiting: number;
  readonly delayed: number;
}

async function behind({ load, redis }: BenchContext, { waiting, delayed }: Backlog): Promise<Gaps> {
  await redis.client.flushall();
  const count = scaled(load, fetches, 200);
  return withProcesses(redis.url, ['lovage-streams', 'lovage-streams'], async (producer, worker) => {
    await producer?.ask('fill', waiting + count); // what is measured comes off the front
    if (delayed > 0) await producer?.ask('delay', delayed);
    const gaps = await worker?.ask('gaps', count);
    if (gaps === undefined) throw new Error('no worker');
    return gaps;
  });
}

function fetchesOf(where: string, { gaps }: Gaps): Readonly<Record<string, number>> {
  return {
    [`redis+streams:// fetch p50 ${where}`]: quantile(gaps, 0.5) ?? Number.NaN,
    [`redis+streams:// fetch p99 ${where}`]: quantile(gaps, 0.99) ?? Number.NaN,
  };
}
