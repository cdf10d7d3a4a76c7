import { Queue } from 'bullmq';
import type { Arena } from '../../arena.ts';
import { atLeast, atMost, info } from '../../figure.ts';
import type { Call, Load } from '../../load.ts';
import type { Scenario } from '../../scenario.ts';
import { workCalls } from '../calls.ts';
import { basics, duplicates } from '../verdict-figures.ts';

const slots = 10;
const chance = 0.05;

/** Redis carries a script out, and its answer is lost with the connection: on publishes, and on the workers' commands. */
export const lostReplies: Scenario = {
  name: 'lost-replies',
  title: '5 % of the replies to publishes and completions are lost',
  tasks: { short: 200, long: 2_000 },
  controls: [{ sabotage: 'no-ids', breaks: 'duplicates not recorded as redeliveries' }],
  async run(arena) {
    const redis = await arena.redis();
    const [publishes, completions] = await Promise.all([arena.proxy(redis.port), arena.proxy(redis.port)]);
    await arena.workers(2, { url: arena.url(completions.port), slots });
    const load = arena.load({ url: arena.url(publishes.port), publishTimeout: '20s' });
    await load.sendAll([{ key: 'warm', task: 'work', args: [1] }]); // connections and scripts exist from here on
    for (const proxy of [publishes, completions]) {
      proxy.set({ kind: 'drop-reply', match: 'evalsha', chance, random: arena.random });
    }
    arena.fault('drop-replies');
    const calls = workCalls(arena.random, arena.tasks, [1, 5]);
    if (arena.without('no-ids')) await sendWithoutIds(arena, publishes.port, calls);
    else await sendInSteps(load, calls);
    completions.set({ kind: 'pass' });
    publishes.set({ kind: 'pass' });
    if (arena.without('no-ids')) await arena.afterRuns(arena.tasks + 2);
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      atLeast('replies lost to the producer', publishes.dropped, 1),
      atLeast('replies lost to the workers', completions.dropped, 1),
      ...duplicates(verdict, completions.dropped * slots),
      atMost('duplicates not recorded as redeliveries', verdict.unrecorded.length, 0),
      info('slowest send', Math.max(...load.latencies), 'ms'),
    ];
  },
};

/** Two at a time: a write carries one publish or two, so that its reply is theirs. */
function sendInSteps(load: Load, calls: readonly Call[]): Promise<void> {
  return load.sendAll(calls, { parallel: 2 });
}

/** What a producer does that leaves the ids to the queue, and whose client sends again what was not answered. */
async function sendWithoutIds(arena: Arena, port: number, calls: readonly Call[]): Promise<void> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null, retryStrategy: () => 50 };
  const queue = new Queue('default', { connection });
  queue.on('error', () => {}); // cut connections are the point
  arena.onClose(() => queue.close());
  for (const { key, args } of calls) {
    arena.note('SUBMIT', key);
    await queue.add('work', { v: 1, args: [key, ...args], root: 'none' }, { priority: 10 });
    arena.note('ACK', key);
  }
}
