// The app of the fuzzers: a task of every kind that leaves something in Redis. As a program it is a worker, in one of the pools.
import { parentPort } from 'node:worker_threads';
import { type AppOptions, every, Lovage, type Task, type TaskContext } from 'lovage';
import { startBeat } from 'lovage/beat';
import { startWorker, type WorkerOptions } from 'lovage/worker';
import { mutateJson } from '../fuzz/mutate.ts';
import { createRandom } from '../random.ts';

/** The queue of the tasks that must go on, whose own keys are left as they are. */
export const goodQueue = 'good';

/** The app, and its tasks that leave something in Redis. */
export interface FuzzApp {
  readonly app: Lovage;
  readonly plain: Task<[n: number], number>;
  readonly fails: Task<[], never>;
  readonly again: Task<[], never>;
  readonly sum: Task<[list: number[]], number>;
  readonly limited: Task<[n: number], number>;
  readonly keyed: Task<[key: string, ms: number], void>;
  readonly ordered: Task<[key: string, ms: number], void>;
  readonly unique: Task<[ms: number], void>;
  readonly flow: ReturnType<Lovage['workflow']>;
}

/** Makes the app. */
export function createFuzzApp(options: AppOptions = {}): FuzzApp {
  const app = new Lovage('fuzz', { history: 'all', ...options });
  const good = app.task({ name: 'good', queue: goodQueue, maxRetries: 0 }, (n: number) => n + 1);
  const plain = app.task({ name: 'plain' }, (n: number) => n);
  const fails = app.task({ name: 'fails', maxRetries: 0 }, () => {
    throw new Error('as it should');
  });
  const again = app.task({ name: 'again', bind: true, maxRetries: 5 }, (self: TaskContext) => {
    throw self.retry({ countdown: 60_000 });
  });
  const sum = app.task({ name: 'sum' }, (list: number[]) => list.reduce((total, n) => total + n, 0));
  const limited = app.task({ name: 'limited', rateLimit: '1/h' }, (n: number) => n);
  const keyed = app.task(
    { name: 'keyed', concurrency: { key: ([key]) => key as string, limit: 1 } },
    (_key: string, ms: number) => hold(ms),
  );
  const ordered = app.task({ name: 'ordered', orderingKey: ([key]) => key as string }, (_key: string, ms: number) =>
    hold(ms),
  );
  const unique = app.task({ name: 'unique', unique: true }, (ms: number) => hold(ms));
  const flow = app.workflow({ name: 'flow' }, async (w) => {
    await w.step('first', () => 1);
    await w.event('never', { timeout: '1d' });
  });
  app.task({ name: 'says', queue: goodQueue, maxRetries: 0 }, saysForeign);
  app.schedule('steady', every('500ms'), good.s(1));
  return { app, plain, fails, again, sum, limited, keyed, ordered, unique, flow };
}

/** Says so many things to its worker that its pool did not say, like what the pool says. */
function saysForeign(seed: number, count: number): number {
  const random = createRandom(seed);
  const port = parentPort;
  const record = { id: 'x', state: 'SUCCESS', value: 1, task: 'good' };
  const templates: readonly unknown[] = [
    null,
    'ready',
    { type: 'ready' },
    { type: 'failed', message: 'no' },
    { type: 'state', sequence: 1, record },
    { type: 'log', level: 'info', message: 'm', fields: {}, errors: {} },
    { type: 'result', text: JSON.stringify({ state: 'SUCCESS', value: 2 }), memory: 1 },
    ['nonce', { type: 'ready' }],
    ['', { type: 'result', text: '{}', memory: -1 }],
  ];
  for (let turn = 0; turn < count; turn += 1) {
    const said = mutateJson(random, random.pick(templates));
    if (port) port.postMessage(said);
    else process.send?.(said ?? 'null');
  }
  return count;
}

function hold(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** What the pool's children load. */
export const app: Lovage = createFuzzApp().app;

if (process.env['CHAOS_FUZZ_WORKER']) {
  const options = JSON.parse(process.env['CHAOS_FUZZ_WORKER']) as WorkerOptions;
  delete process.env['CHAOS_FUZZ_WORKER']; // not for the pool's children
  await startWorker(app, { ...options, appModule: { url: import.meta.url, exportName: 'app' } });
  const beat = await startBeat(app, { elect: false });
  setInterval(() => process.stderr.write(`fired ${beat.health().fired}\n`), 250);
  process.stderr.write('fuzz worker ready\n');
}
