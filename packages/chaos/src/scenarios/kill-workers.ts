import type { Arena } from '../arena.ts';
import { atMost, type Figure, largest, told } from '../figure.ts';
import type { Scenario } from '../scenario.ts';
import { workCalls } from './calls.ts';
import { basics, duplicates } from './verdict-figures.ts';

const slots = 5;

/** Workers are killed in the middle of their tasks, and replaced. */
export const killWorkers: Scenario = {
  name: 'kill-workers',
  title: 'kill -9 of workers while they run tasks',
  tasks: { short: 250, long: 10_000 },
  controls: [{ sabotage: 'ack-early', breaks: 'lost' }],
  run,
};

async function run(arena: Arena): Promise<readonly Figure[]> {
  const [processes, kills] = arena.short ? [2, 2] : [4, 10];
  const redis = await arena.redis();
  const url = arena.url(redis.port);
  const workers = await arena.workers(processes, { url, slots });
  const load = arena.load({ url });
  const sending = load.sendAll(workCalls(arena.random, arena.tasks, [20, 50]));
  await arena.nemesis({ fault: 'kill', count: kills, runs: arena.tasks, targets: processes }, async ({ target }) => {
    const victim = workers[target] as (typeof workers)[number];
    arena.fault('kill', victim.pid);
    await victim.kill();
    workers[target] = await arena.worker({ url, slots }, false); // the others go on meanwhile
  });
  await sending;
  await load.observe(arena.patience);
  await load.observeAgain();
  const verdict = arena.verdict();
  return [
    ...basics(verdict),
    told('kills', kills),
    ...duplicates(verdict, kills * slots),
    atMost('duplicates that no kill explains', verdict.withoutDeath.length, 0),
    atMost('never run again', verdict.orphans.length, 0),
    atMost('slowest recovery', largest(verdict.recoveries), arena.bar(4_000), 'ms'),
    told('orphans', verdict.recoveries.length),
  ];
}
