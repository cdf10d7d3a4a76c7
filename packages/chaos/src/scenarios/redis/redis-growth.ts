import type { Arena } from '../../arena.ts';
import { atMost, type Figure, info } from '../../figure.ts';
import type { RedisNode } from '../../processes/redis-node.ts';
import type { Scenario } from '../../scenario.ts';
import { until } from '../../until.ts';
import { basics } from '../verdict-figures.ts';

const slots = 100;
const mebibyte = 2 ** 20;
/** Tasks of one call to the broker. */
const chunk = 1_000;
/** A sweep comes every fifteen seconds; nothing younger than the grace goes. In milliseconds. */
const sweepInterval = 15_000;

/** Finished work does not fill Redis: at the shipped bounds, or in the short form at a hundredth of them. */
export const redisGrowth: Scenario = {
  name: 'redis-growth',
  title: 'finished work at default retention: what Redis holds when nothing ends any more',
  tasks: { short: 3_000, long: 100_000 },
  controls: [{ sabotage: 'no-sweep', breaks: 'results kept' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const bounds = arena.short ? { results: 500, grace: 2_000 } : { results: 50_000, grace: 30_000 };
    const env = arena.short ? { LOVAGE_RETENTION_RESULTS: '500', LOVAGE_RETENTION_GRACE: '2s' } : {};
    await arena.worker({ url, slots, env });
    const load = arena.load({ url });
    await load.send({ key: 'warm', task: 'work', args: [1] });
    await load.observe(10_000);
    const before = await memoryOf(redis);
    await sendMany(arena, load.app);
    const peak = await memoryOf(redis);
    const kept = await untilSwept(redis, { ...bounds, sabotaged: arena.without('no-sweep') });
    const after = await memoryOf(redis);
    return [
      ...basics(arena.verdict()),
      atMost('results kept', kept, bounds.results),
      info('memory before', before / mebibyte, 'MiB'),
      info('growth when the last task had ended', (peak - before) / mebibyte, 'MiB'),
      atMost('growth after the sweep', (after - before) / mebibyte, 25, 'MiB'),
      ...(await streams(redis)),
    ];
  },
};

async function memoryOf({ client }: RedisNode): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
}

/** Sends no-op tasks a chunk at a time, and awaits the last of each chunk: as many results lie in Redis as tasks have ended. */
async function sendMany(arena: Arena, app: ReturnType<Arena['load']>['app']): Promise<void> {
  const noop = app.remote<(n: number) => void>('noop');
  for (let sent = 0; sent < arena.tasks; sent += chunk) {
    const size = Math.min(chunk, arena.tasks - sent);
    const results = await noop.delayMany(Array.from({ length: size }, (_, n): [number] => [sent + n]));
    await Promise.all(results.map((result) => result.get({ timeout: '60s' })));
  }
}

interface Bounds {
  readonly results: number;
  readonly grace: number;
  /** Nobody will sweep: one turn shows it. */
  readonly sabotaged: boolean;
}

/** How many results there are once sweeps have had their time; those of the last tasks must have grown old enough. */
async function untilSwept({ client }: RedisNode, { results, grace, sabotaged }: Bounds): Promise<number> {
  let kept = Number.POSITIVE_INFINITY;
  const swept = async (): Promise<boolean> => {
    kept = await countResults(client);
    return kept <= results;
  };
  await until(swept, grace + (sabotaged ? 1.2 : 3) * sweepInterval, 'the sweep').catch(() => undefined); // the figure says it
  return kept;
}

async function countResults(client: RedisNode['client']): Promise<number> {
  let count = 0;
  for (let cursor = '0'; ; ) {
    const [next, keys] = await client.scan(cursor, 'MATCH', 'lovage:result:*', 'COUNT', 5_000);
    count += keys.length;
    cursor = next;
    if (cursor === '0') return count;
  }
}

/** The lengths of the streams that only grow by themselves. */
async function streams({ client }: RedisNode): Promise<readonly Figure[]> {
  return [atMost("entries of BullMQ's event stream", await client.xlen('bull:default:events'), 10_100)];
}
