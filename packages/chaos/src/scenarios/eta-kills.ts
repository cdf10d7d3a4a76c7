import { atMost, info, largest, quantile } from '../figure.ts';
import type { Call } from '../load.ts';
import type { Scenario } from '../scenario.ts';
import { basics, duplicates } from './verdict-figures.ts';

const slots = 5;

/** Tasks with a time, and workers killed while they wait for it. */
export const etaKills: Scenario = {
  name: 'eta-kills',
  title: 'ETA tasks while workers are killed',
  tasks: { short: 60, long: 500 },
  controls: [{ sabotage: 'eta-ignored', breaks: 'started early' }],
  async run(arena) {
    const [processes, kills] = arena.short ? [2, 1] : [4, 3];
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const workers = await arena.workers(processes, { url, slots });
    const load = arena.load({ url });
    const [soonest, latest] = arena.short ? [2_200, 3_700] : [3_000, 10_000];
    const now = Date.now();
    const calls = Array.from({ length: arena.tasks }, (_, index): Call => {
      return { key: `k${index}`, task: 'work', args: [5], due: now + arena.random.between(soonest, latest) };
    });
    await load.sendAll(calls);
    const plan = { fault: 'kill', count: kills, runs: arena.tasks, targets: processes };
    await arena.nemesis(plan, async ({ target }) => {
      const victim = workers[target] as (typeof workers)[number];
      await arena.kill(victim);
      workers[target] = await arena.worker({ url, slots }, false);
    });
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      info('kills', kills),
      ...duplicates(verdict, kills * slots),
      atMost('duplicates that no kill explains', verdict.withoutDeath.length, 0),
      atMost('started early', verdict.early.length, 0),
      atMost('late, p99', quantile(verdict.lateness, 0.99), arena.bar(500), 'ms'),
      info('late, most', largest(verdict.lateness), 'ms'),
      info('taken by a worker that died before their start', verdict.redeliveredLateness.length),
      atMost('late, most of these', largest(verdict.redeliveredLateness), arena.bar(4_000), 'ms'),
    ];
  },
};
