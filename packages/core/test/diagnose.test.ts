import { expect, it, onTestFinished } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import { diagnose } from '../src/inspect/diagnose.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { silentLogger } from '../src/logger.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

it('finds what stands still or fails, each with its fix, and says what is well', async () => {
  const app = new Lovage('ill', { broker: `memory://doctor-${process.pid}`, logger: silentLogger });
  onTestFinished(() => app.close());
  const fail = app.task({ name: 'fail', maxRetries: 0 }, () => {
    throw new RangeError('no');
  });
  await fail.applyAsync([], { queue: 'forgotten' });
  const alone = await diagnose(app);
  expect(alone).toContainEqual(
    expect.objectContaining({ check: 'workers', fix: expect.stringContaining('lovage worker') }),
  );
  expect(alone).toContainEqual({
    check: 'queues',
    state: 'problem',
    message: '1 messages wait in queue "forgotten", which no worker consumes.',
    fix: 'lovage worker -Q forgotten',
  });
  expect(alone).toContainEqual(expect.objectContaining({ check: 'failures', state: 'ok' }));
  await startWorker(app, { queues: ['forgotten', 'default'] });
  await until(async () => (await app.failures.list()).length === 1, { what: 'the failure' });
  await new Inspector(app).pauseQueue('default');
  const found = await diagnose(app);
  expect(found.filter(({ state }) => state === 'problem')).toEqual([]);
  expect(found).toContainEqual(expect.objectContaining({ check: 'versions', state: 'ok' }));
  expect(found).toContainEqual(expect.objectContaining({ check: 'queues', fix: 'lovage queues resume default' }));
  expect(found.find(({ check }) => check === 'failures')?.message).toBe(
    '1 task failed with RangeError, the latest of fail.',
  );
  expect(runtimeOf(app).name).toBe('ill');
});
