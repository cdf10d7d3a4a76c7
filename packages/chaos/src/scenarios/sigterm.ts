import type { Arena } from '../arena.ts';
import { atLeast, atMost, info, largest } from '../figure.ts';
import { monotonic } from '../ledger/ledger.ts';
import type { WorkerProcess } from '../processes/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { within } from '../until.ts';
import { workCalls } from './calls.ts';
import { basics, duplicates } from './verdict-figures.ts';

const inFlight = 200;
const drain = 5_000;

/** A worker is asked to end while it runs 200 tasks; another goes on. */
export const sigterm: Scenario = {
  name: 'sigterm',
  title: 'SIGTERM with 200 tasks in flight',
  tasks: { short: 300, long: 2_000 },
  controls: [{ sabotage: 'no-drain', breaks: 'duplicates' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const first = await arena.worker({ url, slots: inFlight });
    const load = arena.load({ url });
    await load.sendAll(workCalls(arena.random, arena.tasks, [500, 1_000]), { parallel: 50 });
    await arena.afterRuns(inFlight);
    const began = monotonic();
    arena.fault(arena.without('no-drain') ? 'kill' : 'term', first.pid);
    first.signal(arena.without('no-drain') ? 'SIGKILL' : 'SIGTERM');
    const [{ code }] = await Promise.all([first.exited, arena.worker({ url, slots: inFlight })]);
    const exitMs = endOf(first) - began;
    await load.observe(arena.maxWait);
    const late = arena
      .entries()
      .filter(({ kind, run, at }) => kind === 'START' && run?.startsWith(`${first.pid}.`) && at > began + 100).length;
    return [
      ...basics(arena.verdict()),
      ...duplicates(arena.verdict(), 0),
      atMost('exit code', code ?? Number.NaN, 0),
      atMost('end of the process', exitMs, arena.bar(drain + 1_000), 'ms'),
      atMost('started 100 ms after the signal', late, 0),
    ];
  },
};

const deadDrain = 1_000;
const maxWait = 30_000;
const shortMaxWait = 9_000;

/** A worker is asked to end while it runs tasks and its Redis is dead. */
export const sigtermRedisDead: Scenario = {
  name: 'sigterm-redis-dead',
  title: 'SIGTERM with tasks in flight and Redis dead',
  tasks: { short: 2, long: 20 },
  controls: [{ sabotage: 'no-deadlines', breaks: 'ended within the drain + 5 s' }],
  async run(arena) {
    const ends: number[] = [];
    while (ends.length < arena.tasks)
      ends.push(...(await endWithoutRedis(arena, Math.min(4, arena.tasks - ends.length))));
    const inTime = ends.filter((ms) => ms <= deadDrain + 5_000).length;
    return [
      info('trials', ends.length),
      atLeast('ended within the drain + 5 s', inTime, arena.tasks),
      atMost('slowest end', largest(ends), deadDrain + 5_000, 'ms'),
    ];
  },
};

/** So many workers on one Redis that dies; resolves with how long each took to end. */
async function endWithoutRedis(arena: Arena, count: number): Promise<readonly number[]> {
  const redis = await arena.redis();
  const url = arena.url(redis.port);
  const before = arena.runs();
  const slots = 3;
  const workers = await arena.workers(count, { url, slots, flags: ['--drain', '1s'] });
  const load = arena.load({ url });
  const calls = workCalls(arena.random, count * slots, [60_000, 60_001]);
  await load.sendAll(calls.map((call) => ({ ...call, key: `${redis.port}-${call.key}` })));
  await arena.afterRuns(before + count * slots);
  await redis.kill();
  const ends = await Promise.all(workers.map((worker) => end(arena, worker)));
  await load.close();
  await redis.stop();
  return ends;
}

async function end(arena: Arena, worker: WorkerProcess): Promise<number> {
  const began = monotonic();
  arena.fault('term', worker.pid);
  worker.signal('SIGTERM');
  const longest = arena.options.sabotage ? shortMaxWait : maxWait;
  await within(worker.exited, longest, 'the worker to end').catch(() => worker.kill());
  return endOf(worker) - began;
}

function endOf({ exitedAt }: WorkerProcess): number {
  return exitedAt ?? Number.NaN;
}
