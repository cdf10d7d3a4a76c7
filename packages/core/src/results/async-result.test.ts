import { afterEach, beforeEach, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { silentLogger } from '../logger.ts';
import { startWorker } from '../worker.ts';

/** Less than the two seconds after which a lost ring is made up for. */
const timeout = 1_000;
let app: Lovage;

beforeEach(async () => {
  app = new Lovage('asks', { broker: 'memory://', logger: silentLogger });
  await startWorker(app);
});
afterEach(() => app.close());

it('whoever asks again for what a task came to is told at once', async () => {
  const add = app.task('add', (x: number, y: number) => ({ sum: x + y }));
  await add.call([1, 1]); // from now on rings are heard
  const result = await add.delay(1, 2);
  for (let asked = 0; asked < 3; asked += 1) expect(await result.get({ timeout })).toEqual({ sum: 3 });
  const both = await Promise.all([result.get({ timeout }), result.get({ timeout })]);
  expect(both).toEqual([{ sum: 3 }, { sum: 3 }]);
});

it('of several that wait for a ring that has come, all are told at once', async () => {
  const one = app.task('one', () => 1);
  await one.call([]);
  const result = await one.delay();
  await one.call([]); // the ring of the first one is here by now
  expect(await Promise.all([result.get({ timeout }), result.get({ timeout })])).toEqual([1, 1]);
});

it('the progress of a task that was awaited is over at once', async () => {
  const say = app.task({ name: 'say', bind: true }, (self) => void self.progress('half'));
  await say.call([]);
  const result = await say.delay();
  await result.get({ timeout });
  const values: unknown[] = [];
  const asked = performance.now();
  for await (const value of result.progress()) values.push(value);
  expect(values).toEqual(['half']);
  expect(performance.now() - asked).toBeLessThan(timeout);
});

it('progress that nobody wants any more ends at once', async () => {
  const later = app.task('later', () => undefined);
  const result = await later.applyAsync([], { countdown: '1h' });
  const values: unknown[] = [];
  for await (const value of result.progress({ signal: AbortSignal.abort() })) values.push(value);
  expect(values).toEqual([]);
});
