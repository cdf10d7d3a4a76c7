import type { Arena } from '../arena.ts';
import type { Verdict } from '../checker.ts';
import { check } from '../checker.ts';
import { atMost } from '../figure.ts';
import type { Scenario } from '../scenario.ts';
import { basics } from './verdict-figures.ts';

/** Handlers hold their event loop for far longer than a lease lasts: in threads nobody notices, in `async` each is run at most once more. */
export const loopBlocked: Scenario = {
  name: 'loop-blocked',
  title: 'the event loop blocked for 6 s: pool async, pool threads',
  tasks: { short: 2, long: 20 },
  controls: [{ sabotage: 'no-threads', breaks: 'threads: duplicates' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const ms = arena.short ? 3_000 : 6_000;
    const slots = arena.short ? 1 : 5;
    await block(arena, { url, ms, slots, pool: arena.without('no-threads') ? 'async' : 'threads' });
    const threads = verdictOf(arena, 'threads');
    if (arena.short) return [...basics(threads), atMost('threads: duplicates', threads.duplicates.length, 0)];
    await block(arena, { url, ms, slots: 1, pool: 'async' });
    const loop = verdictOf(arena, 'async');
    return [
      ...basics(arena.verdict()),
      atMost('threads: duplicates', threads.duplicates.length, 0),
      atMost('async: duplicates of one task', loop.duplicates.length, 1),
      atMost('async: stale results', loop.stale.length, 0),
    ];
  },
};

interface Block {
  readonly url: string;
  readonly ms: number;
  readonly slots: number;
  readonly pool: 'async' | 'threads';
}

/** Two workers, so that one may take from the other. In `async` one task shows it all. */
async function block(arena: Arena, { url, ms, slots, pool }: Block): Promise<void> {
  const workers = await arena.workers(2, { url, slots, pool });
  const load = arena.load({ url });
  const name = arena.without('no-threads') ? 'threads' : pool;
  const count = pool === 'async' && !arena.short ? 1 : arena.tasks;
  const calls = Array.from({ length: count }, (_, index) => ({ key: `${name}-${index}`, task: 'spin', args: [ms] }));
  await load.sendAll(calls);
  await load.observe(arena.options.sabotage ? ms * 3 : 120_000);
  await Promise.all(workers.map((worker) => worker.kill()));
  await load.close();
}

function verdictOf(arena: Arena, name: string): Verdict {
  return check(arena.entries().filter(({ key }) => key.startsWith(name)));
}
