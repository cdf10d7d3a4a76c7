import type { Arena } from '../../arena.ts';
import { atLeast, atMost, info, largest } from '../../figure.ts';
import { monotonic } from '../../ledger/ledger.ts';
import { aofAlways, volatile } from '../../processes/redis-node.ts';
import type { Scenario } from '../../scenario.ts';
import { hold } from '../../until.ts';
import { workCalls } from '../calls.ts';
import { basics, duplicates } from '../verdict-figures.ts';

const slots = 10;
const processes = 2;
/** Of tasks, in milliseconds: long enough that some wait whenever the fault comes. */
const lengths = [30, 60] as const;
/** Between two calls of a producer's lane, in milliseconds: a little faster than the workers, so that calls are sent all along. */
const pace = 30;

/** Redis crashes and comes back, three times, with every write on disk. */
export const redisCrash: Scenario = {
  name: 'redis-crash',
  title: 'Redis killed -9 and started again, AOF always',
  tasks: { short: 400, long: 10_000 },
  controls: [{ sabotage: 'no-aof', breaks: 'lost' }],
  async run(arena) {
    const crashes = arena.short ? 1 : 3;
    const redis = await arena.redis(arena.without('no-aof') ? volatile : aofAlways);
    const url = arena.url(redis.port);
    const workers = await arena.workers(processes, { url, slots });
    const load = arena.load({ url });
    const sending = load.sendAll(workCalls(arena.random, arena.tasks, lengths), { pace });
    const resumed: number[] = [];
    await arena.nemesis({ fault: 'crash', count: crashes, runs: arena.tasks / 2, targets: 1 }, async () => {
      arena.fault('crash', 'redis');
      await redis.kill();
      await hold(700);
      await redis.launch();
      resumed.push(await untilRuns(arena));
    });
    await sending;
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, crashes * processes * slots),
      info('crashes', crashes),
      atMost('slowest resumption', largest(resumed), arena.bar(5_000), 'ms'),
      atMost('slowest send', largest(load.latencies), 5_500, 'ms'),
      atLeast('workers that lived through it', workers.filter(({ running }) => running).length, processes),
    ];
  },
};

/** Milliseconds until a run starts. */
export async function untilRuns(arena: Arena): Promise<number> {
  const began = monotonic();
  await arena.afterRuns(arena.runs() + 1, 30_000);
  return monotonic() - began;
}

/** Redis answers nobody for a while. */
export const redisPause: Scenario = {
  name: 'redis-pause',
  title: 'CLIENT PAUSE 5 s of all commands',
  tasks: { short: 300, long: 5_000 },
  controls: [{ sabotage: 'ack-early', breaks: 'lost' }],
  async run(arena) {
    const ms = arena.short ? 2_500 : 5_000;
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const workers = await arena.workers(processes, { url, slots });
    const load = arena.load({ url, publishTimeout: '10s' });
    const sending = load.sendAll(workCalls(arena.random, arena.tasks, lengths), { pace });
    const resumed: number[] = [];
    await arena.nemesis({ fault: 'pause', count: 1, runs: arena.tasks / 2, targets: 1 }, async () => {
      arena.fault('pause', 'redis');
      await redis.client.call('CLIENT', 'PAUSE', String(ms), 'ALL');
      if (arena.without('ack-early')) await killOne(arena, workers);
      await hold(ms);
      resumed.push(await untilRuns(arena));
    });
    await sending;
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, processes * slots),
      atMost('slowest resumption', largest(resumed), arena.bar(5_000), 'ms'),
      info('slowest send', largest(load.latencies), 'ms'),
    ];
  },
};

/** The control needs a death: a task that was settled before it ran is lost with its worker only. */
async function killOne(arena: Arena, [victim]: readonly { pid: number; kill(): Promise<void> }[]): Promise<void> {
  if (!victim) return;
  await arena.kill(victim);
}

/** Redis comes back empty: what is lost is said, nobody waits for it for ever, and the worker goes on. */
export const redisEmptied: Scenario = {
  name: 'redis-emptied',
  title: 'Redis started again without its data (no AOF)',
  tasks: { short: 200, long: 1_000 },
  controls: [
    { sabotage: 'forged-mark', breaks: 'the worker names the loss (BrokerDataLossError)' },
    { sabotage: 'no-search', breaks: 'waiters without an answer' },
  ],
  async run(arena) {
    const redis = await arena.redis(volatile);
    const url = arena.url(redis.port);
    const proxy = await arena.proxy(redis.port);
    const [worker] = await arena.workers(1, { url: arena.url(proxy.port), slots });
    const load = arena.load({ url });
    await load.sendAll(workCalls(arena.random, arena.tasks, [50, 100]));
    await arena.afterRuns(slots * 2);
    const waiting = load.observe(arena.options.sabotage ? 12_000 : 30_000);
    arena.fault('empty', 'redis');
    const mark = await redis.client.get('lovage:mark');
    await proxy.refuse();
    await redis.crash();
    if (arena.without('forged-mark')) await redis.client.set('lovage:mark', String(mark)); // before the worker is back
    await proxy.accept();
    const after = arena.load({ url });
    const more = workCalls(arena.random, 50, [10, 30]).map((call) => ({ ...call, key: `after-${call.key}` }));
    await after.sendAll(more);
    const began = monotonic();
    await after.observe(15_000);
    const went = monotonic() - began;
    await waiting;
    const lostMs = monotonic() - began;
    const entries = arena.entries().filter(({ kind }) => kind === 'RESULT');
    const verdict = arena.verdict();
    const afterwards = (keys: readonly string[]): number => keys.filter((key) => key.startsWith('after-')).length;
    return [
      info('accepted', verdict.acked),
      atLeast('lost', verdict.lost.length, 1),
      atMost('waiters without an answer', entries.filter(({ detail }) => detail === 'PENDING').length, 0),
      info('waiters rejected with ResultExpiredError', entries.filter(({ detail }) => detail === 'EXPIRED').length),
      atMost('time until the last waiter had its answer', lostMs, arena.bar(15_000), 'ms'),
      atMost('of 50 sent afterwards, lost or stuck', afterwards([...verdict.lost, ...verdict.stuck]), 0),
      atMost('time until those were done', went, arena.bar(10_000), 'ms'),
      atLeast('the worker lives', worker?.running ? 1 : 0, 1),
      atLeast('the worker names the loss (BrokerDataLossError)', worker?.said(/BrokerDataLossError/) ?? 0, 1),
    ];
  },
};
