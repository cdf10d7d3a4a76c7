import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info } from '../figure.ts';
import { readHistory } from '../ledger/history.ts';
import type { Scenario } from '../scenario.ts';
import { workCalls } from './calls.ts';
import { basics } from './verdict-figures.ts';

/** How a handler takes its process or thread down. A thread that gets SIGSEGV is its whole process. */
const deaths = { processes: ['exit', 'segfault', 'kill', 'hog'], threads: ['exit', 'hog'] } as const;
const startsAllowed = 3;

/** Children die of what their tasks do: the worker and the tasks beside them do not notice. */
export const childDeath: Scenario = {
  name: 'child-death',
  title: 'a pool child out of memory, exited, segfaulted, killed',
  tasks: { short: 60, long: 500 },
  controls: [{ sabotage: 'no-pool', breaks: 'worker processes that died' }],
  async run(arena) {
    const pools = arena.short ? (['processes'] as const) : (['processes', 'threads'] as const);
    const figures: Figure[] = [];
    for (const pool of pools) figures.push(...(await diesIn(arena, pool)));
    return figures;
  },
};

async function diesIn(arena: Arena, pool: 'processes' | 'threads'): Promise<readonly Figure[]> {
  const redis = await arena.redis();
  const url = arena.url(redis.port);
  const worker = await arena.worker({
    url,
    slots: 3,
    pool: arena.without('no-pool') ? 'async' : pool,
    memory: '64MiB',
  });
  const load = arena.load({ url });
  const good = workCalls(arena.random, arena.tasks, [5, 20]).map((call) => ({ ...call, key: `${pool}-${call.key}` }));
  const bad = deaths[pool].map((how) => ({ key: `${pool}-${how}`, task: 'fall', args: [how] }));
  await load.sendAll([...good.slice(0, 20), ...bad, ...good.slice(20)], { parallel: 1 });
  await load.observe(arena.maxWait);
  const { calls } = readHistory(arena.entries());
  const starts = bad.map(({ key }) => calls.get(key)?.runs.length ?? 0);
  const twice = good.filter(({ key }) => calls.get(key)?.runs.length !== 1).length;
  const named = bad.filter(({ key }) => load.failures.get(key) === 'WorkerLostError').length;
  const alive = worker.running;
  await worker.kill();
  const prefixed = (figure: Figure): Figure => ({ ...figure, name: `${pool}: ${figure.name}` });
  return [
    atMost('worker processes that died', alive ? 0 : 1, 0),
    ...[
      ...basics(arena.verdict()).filter(({ name }) => name === 'stuck' || name === 'lost'),
      info(
        'deaths',
        starts.reduce((sum, count) => sum + count, 0),
      ),
      atLeast('failed with WorkerLostError', named, bad.length),
      atMost('most starts of one of them', Math.max(...starts), startsAllowed),
      atMost('tasks beside them not run exactly once', twice, 0),
    ].map(prefixed),
  ];
}
