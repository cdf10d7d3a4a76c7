import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { deferred, within } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

async function startBusy() {
  const app = new Lovage('shop', { broker: 'memory://', logger: silentLogger });
  const begun = deferred();
  const heeds = app.task({ name: 'heeds', bind: true }, async (self) => {
    begun.resolve();
    await new Promise((_, reject) => self.signal.addEventListener('abort', () => reject(self.signal.reason)));
  });
  const worker = await startWorker(app);
  await heeds.delay();
  await begun.promise;
  return { app, worker };
}

it.each([0, 50])('a worker that drains for long is hurried by a second close with a drain of %i ms', async (drain) => {
  const { app, worker } = await startBusy();
  const closing = worker.close({ drain: '1h' });
  await Promise.all([worker.close({ drain }), closing]);
  expect(await closing).toEqual({ released: 1, abandoned: 0 });
  await app.close();
});

it('an app that closes ends a busy worker in time, and gives it less than its drain', async () => {
  const clock = createTestClock();
  const app = new Lovage('shop', { broker: 'memory://', logger: silentLogger, clock });
  const begun = deferred();
  const deaf = app.task('deaf', () => {
    begun.resolve();
    return new Promise(() => {});
  });
  const worker = await startWorker(app, { drain: '1h' });
  await deaf.delay();
  await begun.promise;
  const closing = app.close();
  const report = worker.close();
  for (let second = 0; second < 9; second += 1) await clock.advance(1_000);
  await within(closing, { timeout: 1_000, what: 'the end of the app' });
  expect(await report).toEqual({ released: 1, abandoned: 0 });
});

it('a second close with a longer drain changes nothing', async () => {
  const { app, worker } = await startBusy();
  const closing = worker.close({ drain: 50 });
  expect(await worker.close({ drain: '1h' })).toEqual({ released: 1, abandoned: 0 });
  await closing;
  await app.close();
});

it('a worker that has closed is not heard again, whoever switches its events on', async () => {
  const clock = createTestClock();
  const app = new Lovage('shop', { broker: 'memory://', logger: silentLogger, clock });
  const worker = await startWorker(app, { events: true });
  const heard: string[] = [];
  const listening = app.events.on('*', ({ type }) => void heard.push(type));
  await clock.advance(1_000);
  await listening;
  await worker.close();
  await clock.advance(1_000);
  expect(heard.at(-1)).toBe('worker.offline');
  heard.length = 0;
  worker.setEvents(true);
  await clock.advance(5_000);
  expect(heard).toEqual([]);
  await app.close();
});
