import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { startWorker } from '../src/worker/start-worker.ts';

it('a worker that has nothing to do sweeps what is over', async () => {
  const clock = createTestClock();
  const options = { broker: `memory://${newTaskId()}`, clock, logLevel: 'silent' } as const;
  const app = new Lovage('sweeping', { ...options, retention: { results: 10, grace: '15s' } });
  const echo = app.task('echo', (n: number) => n);
  await startWorker(app);
  const sent = await Promise.all(Array.from({ length: 30 }, (_, n) => echo.delay(n)));
  const values = Promise.all(sent.map((result) => result.get()));
  await clock.advance(100);
  expect(await values).toHaveLength(30);
  const left = async () => (await Promise.all(sent.map((result) => result.ready()))).filter(Boolean).length;
  expect(await left()).toBe(30);
  await clock.advance(31_000);
  expect(await left()).toBe(10);
  const closing = app.close();
  await clock.advance(1_000);
  await closing;
});

it('bounds are settings like any other, and refuse what makes no sense', () => {
  expect(() => new Lovage('x', { retention: { results: 0 } })).toThrow(/retention\.results/);
  expect(() => new Lovage('x', { retention: { byte: 1 } as object })).toThrow(/bytes/);
});
