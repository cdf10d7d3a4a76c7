import { Inspector } from 'lovage/inspect';
import type { Arena } from '../arena.ts';
import { atLeast, atMost, info, largest } from '../figure.ts';
import { readHistory } from '../ledger/history.ts';
import { monotonic } from '../ledger/ledger.ts';
import type { WorkerProcess } from '../processes/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { until } from '../until.ts';
import { workCalls } from './calls.ts';
import { strangerTo } from './poison-shapes.ts';
import { basics } from './verdict-figures.ts';

const startsAllowed = 3;

/** Messages that cannot be run, an id without a message, and a task that kills whoever runs it, among good tasks. */
export const poison: Scenario = {
  name: 'poison',
  title: '12 malformed shapes, a ghost id and a crash loop among good tasks',
  tasks: { short: 200, long: 1_000 },
  controls: [{ sabotage: 'no-crash-budget', breaks: 'starts of the crash loop' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const flags = arena.without('no-crash-budget') ? ['--crash-budget', '3'] : [];
    const workers = await arena.workers(2, { url, flags });
    const deaths = supervise(arena, workers, { url, flags });
    const load = arena.load({ url });
    const calls = workCalls(arena.random, arena.tasks, [2, 10]);
    const third = Math.floor(calls.length / 3);
    await load.sendAll(calls.slice(0, third));
    const began = monotonic();
    const { inject, shapes, letters } = strangerTo(arena.options.driver);
    await inject(redis.client);
    await load.sendAll(calls.slice(third, third * 2));
    const parked = await untilParked(load.app, letters);
    const parkedMs = monotonic() - began;
    await load.sendAll([{ key: 'crash', task: 'fall', args: ['kill'] }, ...calls.slice(third * 2)]);
    await load.observe(arena.options.sabotage ? 20_000 : 60_000);
    const verdict = arena.verdict();
    const crashes = readHistory(arena.entries()).calls.get('crash')?.runs.length ?? 0;
    const counts = await new Inspector(load.app).queues(['default']);
    return [
      ...basics(verdict),
      info('malformed shapes', shapes),
      atLeast('parked, the ghost id where it is a letter too', parked, letters),
      atMost('time until the last was parked', parkedMs, arena.bar(4_000), 'ms'),
      atMost('starts of the crash loop', crashes, startsAllowed),
      atMost(
        'it failed with another error than WorkerLostError',
        load.failures.get('crash') === 'WorkerLostError' ? 0 : 1,
        0,
      ),
      info('worker deaths', deaths()),
      atMost('worker deaths beyond those starts', deaths() - crashes, 0),
      atMost(
        'still running, waiting or delayed',
        largest(counts.map(({ running, waiting, delayed }) => running + waiting + delayed)),
        0,
      ),
    ];
  },
};

async function untilParked(app: ConstructorParameters<typeof Inspector>[0], count: number): Promise<number> {
  const inspector = new Inspector(app);
  let parked = 0;
  await until(
    async () => {
      parked = (await inspector.deadLetters('default')).length;
      return parked >= count;
    },
    10_000,
    'every malformed message to be parked',
  ).catch(() => undefined); // the figure says it
  return parked;
}

interface Start {
  readonly url: string;
  readonly flags: readonly string[];
}

/** Starts workers again that die, as systemd or Kubernetes does; answers how many died. */
function supervise(arena: Arena, workers: readonly WorkerProcess[], { url, flags }: Start): () => number {
  let deaths = 0;
  let closed = false;
  arena.onClose(async () => {
    closed = true;
  });
  const watch = (worker: WorkerProcess): void => {
    void worker.exited.then(async () => {
      if (closed) return;
      deaths += 1;
      watch(await arena.worker({ url, flags }, false));
    });
  };
  for (const worker of workers) watch(worker);
  return () => deaths;
}
