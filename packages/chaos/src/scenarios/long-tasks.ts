import { info } from '../figure.ts';
import type { Scenario } from '../scenario.ts';
import { workCalls } from './calls.ts';
import { basics, duplicates } from './verdict-figures.ts';

/** No fault at all: tasks that take several times as long as a lease lasts, beside a worker that looks for orphans. */
export const longTasks: Scenario = {
  name: 'long-tasks',
  title: 'no fault: tasks of 4 s to 12 s under leases of 2 s',
  tasks: { short: 10, long: 200 },
  controls: [{ sabotage: 'no-renewal', breaks: 'duplicates' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    await arena.workers(2, { url, slots: arena.short ? 5 : 20 });
    const load = arena.load({ url });
    await load.sendAll(workCalls(arena.random, arena.tasks, arena.short ? [4_000, 4_500] : [4_000, 12_000]));
    await load.observe(arena.options.sabotage ? 8_000 : 120_000);
    const verdict = arena.verdict();
    const aborted = arena.entries().filter(({ kind }) => kind === 'ABORT').length;
    return [...basics(verdict), ...duplicates(verdict, 0), info('aborted runs', aborted)];
  },
};
