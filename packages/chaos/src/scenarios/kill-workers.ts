import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info, largest } from '../figure.ts';
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
    await arena.kill(victim);
    workers[target] = await arena.worker({ url, slots }, false); // the others go on meanwhile
  });
  await sending;
  await load.observe(arena.maxWait);
  await load.observeAgain();
  const verdict = arena.verdict();
  return [
    ...basics(verdict),
    info('kills', kills),
    ...duplicates(verdict, kills * slots),
    atMost('duplicates that no kill explains', verdict.withoutDeath.length, 0),
    atMost('never run again', verdict.orphans.length, 0),
    atMost('slowest recovery', largest(verdict.recoveries), arena.bar(4_000), 'ms'),
    atLeast('orphans', verdict.recoveries.length, 1),
  ];
}

/** One death under the leases that are shipped: 30 s, looked after every 10 s. */
export const recoveryAtDefaults: Scenario = {
  name: 'recovery-at-defaults',
  title: 'kill -9 of a worker under the shipped leases: how soon do its tasks run elsewhere',
  tasks: { short: 5, long: 5 },
  longOnly: true,
  controls: [],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const victim = await arena.worker({ url, shipped: true });
    const load = arena.load({ url });
    await load.sendAll(workCalls(arena.random, arena.tasks, [15_000, 15_001]));
    await arena.afterRuns(arena.tasks);
    await arena.worker({ url, shipped: true });
    await arena.kill(victim);
    await load.observe(90_000);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, arena.tasks),
      atLeast('orphans', verdict.recoveries.length, 1),
      atMost('slowest recovery', largest(verdict.recoveries), 42_000, 'ms'),
    ];
  },
};
