import { afterEach, beforeEach, expect, it } from 'vitest';
import { Lovage } from '../../app/app.ts';
import { silentLogger } from '../../logger.ts';
import { createTestClock, type TestClock } from '../../testing/test-clock.ts';
import { until } from '../../testing/until.ts';
import { startWorker } from '../../worker.ts';

let app: Lovage;
let clock: TestClock;
beforeEach(() => {
  clock = createTestClock();
  app = new Lovage('expires', { broker: 'memory://', logger: silentLogger, clock });
});
afterEach(() => app.close());

it('a task that expires while it waits for a retry ends REVOKED with the error of its last attempt as the cause', async () => {
  const task = app.task({ name: 'task', autoretryFor: [Error], defaultRetryDelay: '10s' }, () => {
    throw new TypeError('not yet');
  });
  await startWorker(app);
  const result = await task.applyAsync([], { expires: '5s' });
  await until(async () => (await result.state()) === 'RETRY', { what: 'the retry' });
  const ended = result.get().catch((error: unknown) => error);
  await clock.advance(20_000);
  expect(await ended).toMatchObject({
    name: 'TaskRevokedError',
    message: expect.stringContaining('expired'),
    cause: { message: expect.stringContaining('not yet') },
  });
});
