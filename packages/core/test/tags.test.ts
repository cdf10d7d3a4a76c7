import { expect, it, onTestFinished } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { DeadLetters } from '../src/inspect/dead-letters.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { silentLogger } from '../src/logger.ts';
import { Reject } from '../src/message/control-signal.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

function createApp(): Lovage {
  const app = new Lovage('tags', { broker: `memory://${newTaskId()}`, logger: silentLogger });
  onTestFinished(() => app.close());
  return app;
}

it('tags of a task and of a call stay with it, and tools find it by them', async () => {
  const app = createApp();
  const options = { tags: ['billing'], retryBackoff: 1, maxRetries: 1, autoretryFor: [RangeError] };
  const fail = app.task({ name: 'fail', ...options }, () => {
    throw new RangeError('no');
  });
  const reject = app.task({ name: 'reject' }, () => {
    throw new Reject('never');
  });
  const failed = await fail.applyAsync([], { tags: ['customer:42', 'billing'], stamps: { run: 7 } });
  const parked = await reject.applyAsync([], { tags: ['customer:43'] });
  await reject.delay();
  const inspector = new Inspector(app);
  const tags = ['billing', 'customer:42'];
  const waiting = await inspector.peek('default');
  expect(waiting.map((task) => task.tags)).toEqual([tags, ['customer:43'], undefined]);

  await startWorker(app);
  await expect(failed.get()).rejects.toThrow('no');
  const letters = new DeadLetters(app);
  await until(async () => (await letters.list()).length === 2, { what: 'both letters' });
  await until(async () => (await app.failures.list({ task: 'fail' })).length === 1, { what: 'the failure' });
  expect((await letters.list({ tag: 'customer:*' })).map(({ id }) => id)).toEqual([parked.id]);
  expect(await letters.list({ tag: 'customer' })).toEqual([]);
  expect(await app.failures.list({ tag: 'customer:42' })).toMatchObject([
    { id: failed.id, attempt: 2, tags: [...tags, 'run=7'] },
  ]);
  expect(await app.failures.list({ tag: 'customer:44' })).toEqual([]);
});

it.each([['billing'], [['']], [[7]], [['x'.repeat(101)]], [Array.from({ length: 21 }, (_, index) => `tag ${index}`)]])(
  'refuses tags that are none: %j',
  async (tags) => {
    const app = createApp();
    const expected = /tags.*at most 20 tags of 1 to 100 characters/;
    expect(() => app.task({ name: 'wrong', tags: tags as string[] }, () => 0)).toThrow(expected);
    const task = app.task('right', () => 0);
    await expect(task.applyAsync([], { tags: tags as string[] })).rejects.toThrow(expected);
  },
);

it('events, and what workers say of running tasks, carry tags', async () => {
  const app = createApp();
  let finish = (): void => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const slow = app.task({ name: 'slow', tags: ['billing'] }, () => done);
  const seen: (readonly string[] | undefined)[] = [];
  await app.events.on('task.received', ({ tags }) => void seen.push(tags));
  await startWorker(app, { events: true });
  const running = await slow.applyAsync([], { tags: ['customer:42'] });
  const tags = ['billing', 'customer:42'];
  await until(async () => seen.length > 0, { what: 'the event' });
  expect(seen).toEqual([tags]);
  const { workers } = await new Inspector(app).status();
  expect(workers.flatMap((worker) => worker.running)).toMatchObject([{ id: running.id, tags }]);
  finish();
  await running.get();
});
