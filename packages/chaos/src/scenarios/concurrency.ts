import type { AsyncResult } from 'lovage';
import { groupOf, limit, type OrderedWork } from '../apps/concurrency-tasks.ts';
import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info, largest, quantile } from '../figure.ts';
import { monotonic } from '../ledger/ledger.ts';
import { disorder, mostAtOnce, type Stretch, stretchesOf } from '../ledger/tracks.ts';
import type { Load } from '../load.ts';
import type { WorkerProcess } from '../processes/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { until } from '../until.ts';
import { basics, duplicates } from './verdict-figures.ts';

const slots = 10;
const control = 'no-admission';

/** Many keys, many calls of each; some are retried, and workers are killed. */
export const ordering: Scenario = {
  name: 'ordering',
  title: 'ordering keys: one call of a key at a time, in the order of sending, over retries and kill -9 of workers',
  tasks: { short: 200, long: 10_000 },
  controls: [
    { sabotage: control, breaks: 'inversions' },
    { sabotage: control, breaks: 'overlaps' },
  ],
  async run(arena) {
    const [processes, kills, keys] = arena.short ? [2, 2, 20] : [4, 5, 200];
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const workers = await arena.workers(processes, { url, slots });
    const load = arena.load({ url });
    const sending = sendOrdered(arena, load, keys);
    await killSome(arena, workers, { url, kills, runs: arena.tasks });
    await sending;
    await load.observe(arena.maxWait);
    return [info('kills', kills), ...judgeOrder(arena, kills * slots)];
  },
};

/** Each key's calls in order, some singly and some together; of every tenth the first attempt asks for another. */
async function sendOrdered(arena: Arena, load: Load, keys: number): Promise<void> {
  const task = load.app.remote<(key: string, group: string, work: OrderedWork) => string>('ordered', {
    orderingKey: groupOf,
  });
  const each = Math.ceil(arena.tasks / keys);
  const send = async (group: number): Promise<void> => {
    for (let nth = 0; nth < each; ) {
      const sameSlot = group % 2 === 0 ? 1 : 5;
      const calls = Array.from({ length: Math.min(sameSlot, each - nth) }, (_, index) =>
        callOf(arena, group, nth + index),
      );
      for (const [key] of calls) arena.note('SUBMIT', key);
      keep(
        arena,
        load,
        calls.map(([key]) => key),
        await task.delayMany(calls),
      );
      nth += calls.length;
    }
  };
  await Promise.all(Array.from({ length: keys }, (_, group) => send(group)));
}

function callOf(arena: Arena, group: number, nth: number): [key: string, group: string, work: OrderedWork] {
  const work = { ms: arena.random.between(2, 10), retried: (group + nth) % 10 === 0 };
  return [`g${group}-${nth}`, `g${group}`, work];
}

function keep(arena: Arena, load: Load, keys: readonly string[], results: readonly AsyncResult[]): void {
  for (const [index, key] of keys.entries()) {
    arena.note('ACK', key);
    load.results.set(key, results[index] as AsyncResult);
  }
}

function judgeOrder(arena: Arena, mostDuplicates: number): readonly Figure[] {
  const verdict = arena.verdict();
  const groups = byGroup(stretchesOf(arena.entries()));
  let [overlaps, inversions, pause] = [0, 0, 0];
  for (const stretches of groups.values()) {
    const found = disorder(stretches, (key) => Number(key.split('-')[1]));
    overlaps += found.overlaps;
    inversions += found.inversions;
    pause = Math.max(pause, ...stretches.slice(1).map(({ from }, index) => from - (stretches[index] as Stretch).to));
  }
  return [
    ...basics(verdict),
    ...duplicates(verdict, mostDuplicates),
    info('keys', groups.size),
    atMost('inversions', inversions, 0),
    atMost('overlaps', overlaps, 0),
    atMost('longest standstill of a key', pause, arena.bar(10_000), 'ms'),
  ];
}

function byGroup(stretches: readonly Stretch[]): ReadonlyMap<string, readonly Stretch[]> {
  const groups = new Map<string, Stretch[]>();
  for (const stretch of stretches) {
    const group = stretch.key.split('-')[0] as string;
    const known = groups.get(group);
    if (known) known.push(stretch);
    else groups.set(group, [stretch]);
  }
  return groups;
}

/** One key for all, three places; then a worker is killed that holds some. */
export const concurrencyKey: Scenario = {
  name: 'concurrency-key',
  title: 'a concurrency key of 3: never 4 at once, no place idle, and those of a killed worker are used again',
  tasks: { short: 90, long: 500 },
  controls: [{ sabotage: control, breaks: 'most at once' }],
  async run(arena) {
    const processes = arena.short ? 2 : 4;
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const load = arena.load({ url });
    const workers = await arena.workers(processes, { url, slots }); // first: the start of a process is not measured
    await sendLimited(arena, load, { name: 'a', count: arena.tasks, ms: 50 });
    await load.observe(arena.maxWait);
    const calm = stretchesOf(arena.entries());
    const figures = [
      atMost('most at once', mostAtOnce(calm), limit),
      atLeast('use of the places', usage(calm), arena.short ? 0.6 : 0.9),
      info('time of a hand-over, median', quantile(handOvers(calm), 0.5), 'ms'),
    ];
    const before = arena.runs();
    await sendLimited(arena, load, { name: 'b', count: 12, ms: 800 });
    await arena.afterRuns(before + 4);
    await killHolder(arena, workers);
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    return [
      ...figures,
      ...basics(verdict),
      atMost('most at once, with a kill', mostAtOnce(stretchesOf(arena.entries())), limit),
      ...duplicates(verdict, limit),
      atLeast('places of the killed worker', verdict.recoveries.length, 1),
      atMost('until they are used again', largest(verdict.recoveries), arena.bar(4_000), 'ms'),
    ];
  },
};

async function sendLimited(
  arena: Arena,
  load: Load,
  { name, count, ms }: { readonly name: string; readonly count: number; readonly ms: number },
): Promise<void> {
  const task = load.app.remote<(key: string, ms: number) => string>('limited');
  const keys = Array.from({ length: count }, (_, index) => `${name}${index}`);
  for (const key of keys) arena.note('SUBMIT', key);
  keep(arena, load, keys, await task.delayMany(keys.map((key) => [key, ms])));
}

/** The time that runs took, of the time that the places were there. */
function usage(stretches: readonly Stretch[]): number {
  const first = Math.min(...stretches.map(({ from }) => from));
  const last = Math.max(...stretches.map(({ to }) => to));
  return stretches.reduce((sum, { from, to }) => sum + to - from, 0) / (limit * (last - first));
}

/** How long each place was free between two runs, in milliseconds. */
function handOvers(stretches: readonly Stretch[]): readonly number[] {
  const starts = stretches.map(({ from }) => from).sort((a, b) => a - b);
  const ends = stretches.map(({ to }) => to).sort((a, b) => a - b);
  return starts.slice(limit).map((start, index) => start - (ends[index] as number));
}

/** Kills a worker that has runs at this moment. */
async function killHolder(arena: Arena, workers: readonly WorkerProcess[]): Promise<void> {
  const running = new Map<string, string>();
  for (const { kind, run = '' } of arena.entries()) {
    if (kind === 'START') running.set(run, run.split('.')[0] as string);
    if (kind === 'END') running.delete(run);
  }
  const victim = workers.find(({ pid }) => [...running.values()].includes(String(pid))) as WorkerProcess;
  await arena.kill(victim);
}

/** One tenant with a long backlog, and ten who come with ten calls each. */
export const fairness: Scenario = {
  name: 'fairness',
  title: 'a fair queue: one tenant with a long backlog, ten who come with ten calls each and are done at once',
  tasks: { short: 20_000, long: 100_000 },
  controls: [{ sabotage: control, breaks: 'until the ten are done' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const load = arena.load({ url });
    const task = load.app.remote<(key: string, tenant: string, ms: number) => string>('shared', {
      fairness: { key: groupOf },
    });
    const began = monotonic();
    await task.delayMany(Array.from({ length: arena.tasks }, (_, index) => [`large${index}`, 'large', 2]));
    const sent = monotonic();
    await arena.workers(arena.short ? 2 : 4, { url, slots });
    await arena.afterRuns(100);
    const tenants = Array.from({ length: 10 }, (_, tenant) => `small${tenant}`);
    const calls = tenants.flatMap((tenant) =>
      Array.from({ length: 10 }, (_, nth): [string, string, number] => [`${tenant}-${nth}`, tenant, 2]),
    );
    const asked = monotonic();
    await task.delayMany(calls);
    const ended = () => arena.entries().filter((entry) => entry.kind === 'END' && entry.key.startsWith('small'));
    await until(() => ended().length === calls.length, arena.maxWait * 2, 'the ten to be done').catch(() => undefined);
    const last = Math.max(...ended().map(({ at }) => at));
    const large = arena
      .entries()
      .filter((one) => one.kind === 'START' && one.key.startsWith('large') && one.at > asked);
    return [
      info('calls of the large tenant', arena.tasks),
      info('sent a second', (arena.tasks / (sent - began)) * 1_000),
      info('of them run meanwhile', large.filter(({ at }) => at < last).length),
      atLeast('calls of the ten that are done', ended().length, arena.without(control) ? 0 : calls.length),
      atMost(
        'until the ten are done',
        ended().length === calls.length ? last - asked : Number.NaN,
        arena.bar(1_000),
        'ms',
      ),
    ];
  },
};

interface Kills {
  readonly url: string;
  readonly kills: number;
  readonly runs: number;
}

/** Kills workers at moments of the seed, each replaced while the others go on. */
async function killSome(arena: Arena, workers: WorkerProcess[], { url, kills, runs }: Kills): Promise<void> {
  await arena.nemesis({ fault: 'kill', count: kills, runs, targets: workers.length }, async ({ target }) => {
    const victim = workers[target] as WorkerProcess;
    await arena.kill(victim);
    workers[target] = await arena.worker({ url, slots }, false);
  });
}
