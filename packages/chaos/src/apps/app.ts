// The app that the suite's workers run, from its build: `lovage worker -A packages/chaos/dist/apps/app.js`.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { Lovage, type TaskContext } from 'lovage';
import { Ledger } from '../ledger/ledger.ts';
import { type Sabotage, sabotagedDrivers } from '../sabotage.ts';
import { defineKeyedTasks } from './concurrency-tasks.ts';

const directory = process.env['CHAOS_LEDGER'];
const sabotage = process.env['CHAOS_SABOTAGE'] as Sabotage | undefined;
const ledger = directory === undefined ? undefined : new Ledger(directory, 'worker');
let runs = 0;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export const app: Lovage = new Lovage('chaos', sabotage ? { drivers: sabotagedDrivers(sabotage) } : {});

/** Writes START; what it returns names the run, and is what every task here returns. */
function begin(key: string, deliveryCount: number): string {
  runs += 1;
  const run = `${process.pid}.${threadId}-${runs}`;
  ledger?.note('START', key, { run, detail: String(deliveryCount) });
  return run;
}

/** How a handler waits: in steps, so that time in which its process stands still does not count. */
const step = 50;

/** Does nothing for `ms`. `heed`: ends when it is aborted, as a well-behaved handler does; else it goes on to its end. */
app.task(
  { name: 'work', bind: true, maxRetries: 0 },
  async (self: TaskContext, key: string, ms: number, heed = true): Promise<string> => {
    const run = begin(key, self.deliveryCount);
    const { signal } = self;
    signal.addEventListener('abort', () => ledger?.note('ABORT', key, { run }), { once: true });
    for (let left = ms; left > 0; left -= step) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, step)));
      if (!(heed && signal.aborted)) continue;
      ledger?.note('END', key, { run, detail: 'aborted' });
      throw signal.reason;
    }
    ledger?.note('END', key, { run, detail: 'ok' });
    return run;
  },
);

defineKeyedTasks(app, {
  run: async (self, key, ms) => {
    const run = begin(key, self.deliveryCount);
    await new Promise((resolve) => setTimeout(resolve, ms));
    ledger?.note('END', key, { run, detail: 'ok' });
    return run;
  },
  retry: (self, key) => {
    const run = begin(key, self.deliveryCount);
    ledger?.note('END', key, { run, detail: 'retry' });
    throw self.retry({ countdown: 50 });
  },
});

/** What the body of a chord is told beside the values. */
export interface Gathering {
  readonly key: string;
  readonly members: number;
  readonly ms: number;
}

/** The body of a chord: END says whether it was given what every member returned, each once. */
app.task(
  { name: 'gather', bind: true, maxRetries: 0 },
  async (self: TaskContext, runs: readonly string[], { key, members, ms }: Gathering): Promise<string> => {
    const run = begin(key, self.deliveryCount);
    await new Promise((resolve) => setTimeout(resolve, ms));
    ledger?.note('END', key, { run, detail: new Set(runs).size === members ? 'ok' : `given ${runs.length}` });
    return run;
  },
);

/** A link: writes down the value that it was sent. */
app.task('told', (run: string, key: string) => ledger?.note('RESULT', key, { run, detail: 'LINK' }));

/** Holds its event loop for `ms`. */
app.task({ name: 'spin', bind: true, maxRetries: 0 }, (self: TaskContext, key: string, ms: number) => {
  const run = begin(key, self.deliveryCount);
  self.signal.addEventListener('abort', () => ledger?.note('ABORT', key, { run }), { once: true });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  ledger?.note('END', key, { run, detail: 'ok' });
  return run;
});

/** Takes its process down. */
app.task({ name: 'fall', bind: true, maxRetries: 0 }, (self: TaskContext, key: string, how: string) => {
  begin(key, self.deliveryCount);
  if (how === 'exit') process.exit(3);
  if (how === 'segfault') process.kill(process.pid, 'SIGSEGV');
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  if (how === 'hog') {
    const hoard: number[][] = [];
    for (;;) hoard.push(new Array<number>(100_000).fill(hoard.length));
  }
  return new Promise(() => {}); // a signal takes a moment to arrive
});

/** What the soak counts. */
const hoard: unknown[] = [];
app.task('noop', (n: number) => {
  if (sabotage === 'leak') hoard.push(new Array(16).fill(n));
});

/** What a worker holds after a garbage collection. */
app.task('vitals', () => {
  collect();
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length, pid: process.pid };
});
