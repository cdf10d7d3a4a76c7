import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { Lovage } from '../src/app/app.ts';
import { silentLogger } from '../src/logger.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const open: Lovage[] = [];
afterEach(() => Promise.all(open.splice(0).map((app) => app.close())));

function createApp(): Lovage {
  const app = new Lovage('limits', { broker: 'memory://', logger: silentLogger });
  open.push(app);
  return app;
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('a result after the hard limit counts as none, also where the timer could not fire', async () => {
  const app = createApp();
  const late = app.task({ name: 'late', timeLimit: 20 }, () => block(60));
  const afterwards = app.task({ name: 'afterwards', timeLimit: 20 }, async () => {
    await null;
    block(60);
    return 'too late';
  });
  const failing = app.task({ name: 'failing', timeLimit: 20, autoretryFor: [Error], maxRetries: 3 }, () => {
    block(60);
    throw new Error('too late');
  });
  const batch = app.batchTask({ name: 'batch', size: 1, timeLimit: 20 }, (items) => {
    block(60);
    return items.map(() => 'too late');
  });
  await startWorker(app);
  for (const task of [late, afterwards, failing, batch]) {
    await expect(task.call([], { timeout: '10s' })).rejects.toMatchObject({ remoteName: 'TimeLimitExceeded' });
  }
  const quick = app.task({ name: 'quick', timeLimit: 5_000 }, () => 'in time');
  expect(await quick.call([])).toBe('in time');
});

it('a handler that tidies up when its worker ends keeps its result, with a limit as without', async () => {
  const app = createApp();
  const tidy = app.task({ name: 'tidy', timeLimit: '1m', bind: true }, async (self) => {
    await new Promise((resolve) => self.signal.addEventListener('abort', resolve, { once: true }));
    return 'tidied up';
  });
  const worker = await startWorker(app, { drain: 10 });
  const result = await tidy.delay();
  await until(() => worker.report().running.length === 1);
  await worker.close();
  expect(await result.get({ timeout: '5s' })).toBe('tidied up');
});

it('a schema that never answers holds up its own item of a batch, and that until its limit', async () => {
  const app = createApp();
  let hangs = false;
  const answer = (text: string): Promise<boolean> =>
    hangs && text === 'stuck' ? new Promise<never>(() => {}) : Promise.resolve(true);
  const args = z.tuple([z.string().refine(answer)]);
  const options = { name: 'echo', args, size: 2, timeLimit: 200 };
  const echo = app.batchTask(options, (items) => items.map(({ args: [text] }) => text));
  const calls = [await echo.delay('stuck'), await echo.delay('free')];
  hangs = true;
  await startWorker(app, { concurrency: 1 });
  const ends = await Promise.allSettled(calls.map((result) => result.get({ timeout: '10s' })));
  expect(ends).toMatchObject([{ reason: { remoteName: 'TimeLimitExceeded' } }, { value: 'free' }]);
});
