import { expect } from 'vitest';
import { z } from 'zod';
import { sleep, systemClock } from '../../clock.ts';
import type { AsyncResult } from '../../results/async-result.ts';
import type { BatchItem } from '../../task/batch.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** Handlers that run several calls at once; each call is a task of its own. */
export const batchScenarios: readonly Scenario[] = [
  {
    name: 'batch: a hundred calls run in full batches on one slot, and each gets its own value',
    async run(bench) {
      const app = bench.app();
      const sizes: number[] = [];
      const square = app.batchTask(
        { name: 'square', size: 25, wait: '5s' },
        (items: readonly BatchItem<[n: number]>[]) => {
          sizes.push(items.length);
          return items.map(({ args: [n] }) => n * n);
        },
      );
      const sent = await square.delayMany(Array.from({ length: 100 }, (_, n) => [n] as [number]));
      await bench.worker(app, { concurrency: 1 });
      const values = await Promise.all(sent.map((result) => result.get({ timeout })));
      expect(values).toEqual(Array.from({ length: 100 }, (_, n) => n * n));
      expect(sizes).toEqual([25, 25, 25, 25]);
    },
  },
  {
    name: 'batch: what came within its wait runs, though the batch is not full',
    async run(bench) {
      const app = bench.app();
      const sizes: number[] = [];
      const note = app.batchTask({ name: 'note', size: 1000, wait: '300ms' }, (items) => void sizes.push(items.length));
      await bench.worker(app, { concurrency: 2 });
      const sent = await note.delayMany([[], [], []]);
      expect(await Promise.all(sent.map((result) => result.get({ timeout })))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(sizes).toEqual([3]);
    },
  },
  {
    name: 'batch: one item fails, one is retried, one does not fit its schema; the others succeed',
    async run(bench) {
      const app = bench.app();
      const batches: number[][] = [];
      const half = app.batchTask(
        {
          name: 'half',
          size: 4,
          wait: '200ms',
          args: z.tuple([z.number()]),
          returns: z.number(),
          defaultRetryDelay: 50,
        },
        (items) => {
          batches.push(items.map(({ args: [n] }) => n));
          return items.map((item) => {
            const [n] = item.args;
            if (n === 3) item.fail(new RangeError('odd'));
            if (n === 5) return new TypeError('odd too');
            if (n === 4 && item.self.retries === 0) item.retry();
            return n / 2;
          });
        },
      );
      const broken = await app.remote<(n: unknown) => number>('half').delay('x');
      const sent = await half.delayMany([[2], [3], [4], [5]]);
      await bench.worker(app, { concurrency: 1 });
      const ends = await Promise.all(sent.map((result) => settled(result.get({ timeout }))));
      expect(ends).toMatchObject([1, { message: 'odd' }, 2, { message: 'odd too' }]);
      expect(await settled(broken.get({ timeout }))).toMatchObject({
        message: expect.stringContaining('do not fit its schema'),
      });
      expect(batches.flat().filter((n) => n === 4)).toHaveLength(2);
      expect(batches.flat().filter((n) => n === 2)).toHaveLength(1);
    },
  },
  {
    name: 'batch: what its handler throws, every item throws; a list of the wrong length is an error',
    async run(bench) {
      const app = bench.app();
      const runs: number[] = [];
      const all = app.batchTask(
        { name: 'all', size: 2, autoretryFor: [RangeError], retryBackoff: 20, maxRetries: 1, wait: '100ms' },
        (items: readonly BatchItem<[]>[]): string[] => {
          runs.push(items.length);
          throw new RangeError('down');
        },
      );
      const short = app.batchTask({ name: 'short', size: 2 }, (_items: readonly BatchItem<[]>[]) => [1]);
      const sent = [...(await all.delayMany([[], []])), ...(await short.delayMany([[], []]))];
      await bench.worker(app, { concurrency: 1 });
      const ends = await Promise.all(sent.map((result) => settled(result.get({ timeout }))));
      const wrong = { message: 'the handler of a batch of 2 returned a list of 1: expected a value per item' };
      expect(ends).toMatchObject([{ message: 'down' }, { message: 'down' }, wrong, wrong]);
      expect(runs.reduce((sum, size) => sum + size)).toBe(4);
    },
  },
  {
    name: 'batch: a worker runs no more at once than its slots, batches and other tasks together',
    async run(bench) {
      const app = bench.app();
      let running = 0;
      let most = 0;
      const work = async (): Promise<void> => {
        most = Math.max(most, ++running);
        await sleep(systemClock, 15);
        running -= 1;
      };
      const batch = app.batchTask({ name: 'batch', size: 5, wait: '10ms' }, (_items: readonly BatchItem<[]>[]) =>
        work(),
      );
      const plain = app.task('plain', work);
      const sent: AsyncResult[] = [];
      for (let round = 0; round < 12; round += 1) {
        sent.push(...(await batch.delayMany(Array.from({ length: 7 }, () => []))), await plain.delay());
      }
      const worker = await bench.worker(app, { concurrency: 1 });
      await sent[20]?.get({ timeout });
      expect(most).toBe(1);
      worker.setSlots(3);
      await Promise.all(sent.map((result) => result.get({ timeout })));
      expect(most).toBeLessThanOrEqual(3);
      expect(worker.slots).toBe(3);
    },
  },
  {
    name: 'batch: a worker that ends does not wait for others to come: it runs what it has',
    async run(bench) {
      const app = bench.app();
      const sizes: number[] = [];
      const note = app.batchTask({ name: 'note', size: 10, wait: '1h' }, (items) => void sizes.push(items.length));
      const worker = await bench.worker(app);
      const sent = await note.delayMany([[], []]);
      await until(async () => (await sent[1]?.state()) === 'RECEIVED' && worker.report().running.length === 2, {
        what: 'both to wait for their batch',
      });
      expect(await worker.close()).toMatchObject({ released: 0, abandoned: 0 });
      await Promise.all(sent.map((result) => result.get({ timeout })));
      expect(sizes).toEqual([2]);
    },
  },
  {
    name: 'batch: an item is terminated alone, expires alone, and has its own time limit',
    async run(bench) {
      const app = bench.app();
      const begun = deferred();
      const gate = deferred();
      let ran: unknown[] = [];
      const wait = app.batchTask(
        { name: 'wait', size: 3, wait: '5s' },
        async (items: readonly BatchItem<[name: string]>[]) => {
          ran = items.map(({ args }) => args[0]);
          begun.resolve();
          await gate.promise;
          return items.map(() => 'done');
        },
      );
      const expired = await wait.applyAsync(['expired'], { expires: 1 });
      const now = Date.now();
      await until(() => Date.now() > now + 5, { what: 'its time to pass' });
      const sent = [await wait.delay('a'), await wait.applyAsync(['b'], { timeLimit: 50 }), await wait.delay('c')];
      await bench.worker(app, { concurrency: 1 });
      await begun.promise;
      await sent[0]?.revoke({ terminate: true });
      expect(await settled(sent[1]?.get({ timeout }) as Promise<unknown>)).toMatchObject({
        message: 'time limit of 50 ms passed',
      });
      gate.resolve();
      expect(await sent[2]?.get({ timeout })).toBe('done');
      expect(await settled(sent[0]?.get({ timeout }) as Promise<unknown>)).toMatchObject({ name: 'TaskRevokedError' });
      expect(await settled(expired.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      expect(ran).toEqual(['a', 'b', 'c']);
    },
  },
  {
    name: 'batch: a map of one keeps its time limit',
    async run(bench) {
      const app = bench.app();
      const stuck = app.batchTask(
        { name: 'stuck', size: 3, wait: 50, timeLimit: 50 },
        () => new Promise<never>(() => {}),
      );
      await bench.worker(app, { concurrency: 1, drain: 0 });
      const mapped = await stuck.map([['a'], ['b']]).delay();
      expect(await settled(mapped.get({ timeout }))).toMatchObject({ message: 'time limit of 50 ms passed' });
    },
  },
];
