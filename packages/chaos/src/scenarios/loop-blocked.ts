import type { Arena } from '../arena.ts';
import { atMost } from '../figure.ts';
import { check, type Verdict } from '../ledger/checker.ts';
import type { Scenario } from '../scenario.ts';
import { basics } from './verdict-figures.ts';

/**
 * Handlers hold their event loop for far longer than a lease lasts: in threads nobody notices, in `async` the watchman keeps
 * their leases. (The bar of the issue for `async` is one duplicate.)
 */
export const loopBlocked: Scenario = {
  name: 'loop-blocked',
  title: 'the event loop blocked for 6 s: pool async, pool threads',
  tasks: { short: 2, long: 20 },
  controls: [
    { sabotage: 'no-threads', breaks: 'threads: duplicates' },
    { sabotage: 'no-watchman', breaks: 'async: duplicates' },
  ],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    // a control needs time for another worker to take the task over: what nobody took is settled late and not run again
    const ms = arena.short && !arena.options.sabotage ? 3_000 : 6_000;
    const slots = arena.short ? 1 : 5;
    await block(arena, { url, ms, slots, name: 'threads', pool: arena.without('no-threads') ? 'async' : 'threads' });
    const threads = verdictOf(arena, 'threads');
    if (arena.without('no-threads')) return [atMost('threads: duplicates', threads.duplicates.length, 0)];
    await block(arena, { url, ms, slots: 1, name: 'async', pool: 'async' });
    const loop = verdictOf(arena, 'async');
    return [
      ...basics(arena.verdict()),
      atMost('threads: duplicates', threads.duplicates.length, 0),
      atMost('async: duplicates', loop.duplicates.length, 0),
      atMost('async: stale results', loop.stale.length, 0),
    ];
  },
};

interface Block {
  readonly url: string;
  readonly ms: number;
  readonly slots: number;
  /** What the keys of its calls begin with. */
  readonly name: 'async' | 'threads';
  readonly pool: 'async' | 'threads';
}

/** Two workers, so that one may take from the other. */
async function block(arena: Arena, { url, ms, slots, name, pool }: Block): Promise<void> {
  const unguarded = arena.without('no-threads') || (name === 'async' && arena.without('no-watchman'));
  const env = unguarded ? { LOVAGE_MAX_EVENT_LOOP_BLOCK: '0' } : {};
  const workers = await arena.workers(2, { url, slots, env, ...(pool === 'threads' ? { pool } : {}) });
  const load = arena.load({ url });
  const leavesOneIdle = name === 'async' || arena.without('no-threads'); // so that it may take over
  const count = leavesOneIdle ? Math.ceil(arena.tasks / 5) : arena.tasks;
  const calls = Array.from({ length: count }, (_, index) => ({ key: `${name}-${index}`, task: 'spin', args: [ms] }));
  await load.sendAll(calls);
  await load.observe(arena.options.sabotage ? ms * 3 : 120_000);
  await Promise.all(workers.map((worker) => worker.kill()));
  await load.close();
}

function verdictOf(arena: Arena, name: string): Verdict {
  return check(arena.entries().filter(({ key }) => key.startsWith(name)));
}
