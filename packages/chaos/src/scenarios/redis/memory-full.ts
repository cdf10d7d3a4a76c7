import { BrokerMemoryError } from 'lovage';
import { atLeast, atMost, info, largest } from '../../figure.ts';
import { monotonic } from '../../ledger/ledger.ts';
import type { Call } from '../../load.ts';
import type { Scenario } from '../../scenario.ts';
import { until } from '../../until.ts';
import { workCalls } from '../calls.ts';
import { basics, duplicates } from '../verdict-figures.ts';

const slots = 20;
const padding = 'x'.repeat(50_000);

/** Redis is full: publishers are refused by name, what runs goes on, and room heals it without a restart. */
export const memoryFull: Scenario = {
  name: 'memory-full',
  title: 'maxmemory with noeviction while tasks run',
  tasks: { short: 40, long: 500 },
  controls: [{ sabotage: 'eviction', breaks: 'lost' }],
  async run(arena) {
    const policy = arena.without('eviction') ? 'allkeys-random' : 'noeviction';
    const redis = await arena.redis({ appendonly: 'no', 'maxmemory-policy': policy });
    const url = arena.url(redis.port);
    const worker = await arena.worker({ url, slots });
    const load = arena.load({ url });
    await load.sendAll(workCalls(arena.random, arena.tasks, [100, 300]));
    await arena.afterRuns(slots);
    const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1]);
    arena.fault('full', 'redis');
    await redis.client.config('SET', 'maxmemory', used + 200_000);
    const flood = arena.load({ url });
    const refusals: number[] = [];
    for (let index = 0; refusals.length < 20 && index < 2_000; index += 1) {
      const call: Call = { key: `flood${index}`, task: 'work', args: [300, true, padding] };
      const began = monotonic();
      const before = flood.errors.length;
      await flood.send(call);
      if (flood.errors.length > before) refusals.push(monotonic() - began);
    }
    const runsWhenFull = arena.runs();
    await until(() => arena.runs() > runsWhenFull, 10_000, 'a run while Redis is full').catch(() => undefined);
    await redis.client.config('SET', 'maxmemory', 0);
    const healed = monotonic();
    await flood.send({ key: 'after', task: 'work', args: [1] });
    const heal = monotonic() - healed;
    await Promise.all([load.observe(arena.maxWait), flood.observe(arena.maxWait)]);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, 0),
      atLeast('refusals by name', flood.errors.filter((error) => error instanceof BrokerMemoryError).length, 20),
      atMost('other refusals', flood.errors.filter((error) => !(error instanceof BrokerMemoryError)).length, 0),
      atMost('slowest refusal', largest(refusals), arena.bar(1_000), 'ms'),
      info('runs that started while it was full', arena.runs() - runsWhenFull),
      atMost('first send with room again', heal, arena.bar(1_000), 'ms'),
      atLeast('the worker lives', worker.running ? 1 : 0, 1),
    ];
  },
};
