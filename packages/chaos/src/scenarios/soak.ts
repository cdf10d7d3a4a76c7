import { atMost, info } from '../figure.ts';
import type { Scenario } from '../scenario.ts';

interface Vitals {
  readonly heap: number;
  readonly handles: number;
}

const mebi = 2 ** 20;
const legs = 6;
const reconnects = 200;
/** How long the worker may take to let go of what belongs to its last reconnect, in milliseconds. */
const longestRest = 10_000;

/** Very many tasks that do nothing, and connections cut again and again: a worker does not grow. */
export const soak: Scenario = {
  name: 'soak',
  title: 'no-op tasks and reconnects: heap and handles of the worker',
  tasks: { short: 12_000, long: 300_000 },
  longOnly: true,
  controls: [{ sabotage: 'leak', breaks: 'heap slope' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const worker = await arena.worker({ url, slots: 50 });
    const load = arena.load({ url, socketTimeout: '15s' });
    const vitals = async (): Promise<Vitals> =>
      (await load.app.sendTask('vitals', [])).get({ timeout: '60s' }) as Promise<Vitals>;
    const leg = Math.floor(arena.tasks / legs);
    const run = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 1_000) {
        const size = Math.min(1_000, count - done);
        const sent = await Promise.all(Array.from({ length: size }, (_, n) => load.app.sendTask('noop', [n])));
        await Promise.all(sent.map((result) => result.get({ timeout: '120s' })));
        await Promise.all(sent.map((result) => result.forget()));
      }
    };
    await run(leg); // caches fill, code is compiled
    const points = [await vitals()];
    for (let count = 1; count < legs; count += 1) {
      await run(leg);
      points.push(await vitals());
      const { heap, handles } = points.at(-1) as Vitals;
      arena.say(`${leg * (count + 1)} tasks: heap ${(heap / mebi).toFixed(2)} MiB, ${handles} handles`);
    }
    const before = points.at(-1) as Vitals;
    for (let count = 0; count < reconnects; count += 1) {
      await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      if (count % 10 === 9) await vitals(); // it is back
    }
    const after = await rested(vitals, before);
    const tasks = leg * (legs - 1);
    return [
      info('tasks after the warm-up', tasks),
      info('heap before', (points[0] as Vitals).heap / mebi, 'MiB'),
      atMost(
        'heap slope',
        (slopeOf(points.map(({ heap }) => heap)) / mebi / leg) * 100_000,
        1,
        'MiB per 100,000 tasks',
      ),
      atMost('handles gained by the tasks', Math.abs(before.handles - (points[0] as Vitals).handles), 2),
      atMost('handles gained by the reconnects', Math.abs(after.handles - before.handles), 2),
      info('heap gained by the reconnects', (after.heap - before.heap) / mebi, 'MiB'),
      atMost('the worker died', worker.running ? 0 : 1, 0),
    ];
  },
};

/** A look while the last connection is still being made, or an old one is still being closed, says nothing: what leaks is there for good. */
async function rested(vitals: () => Promise<Vitals>, before: Vitals): Promise<Vitals> {
  const until = performance.now() + longestRest;
  for (;;) {
    const now = await vitals();
    if (now.handles === before.handles || performance.now() > until) return now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The least-squares slope of values at 0, 1, 2, … */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const over = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const under = values.reduce((sum, _value, index) => sum + (index - middle) ** 2, 0);
  return over / under;
}
