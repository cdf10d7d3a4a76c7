import { afterEach, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const apps: Lovage[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

const day = 86_400_000;

it('runs a workflow of 30 days on a test clock in milliseconds, and ends one whose time is over', async () => {
  const clock = createTestClock();
  const app = new Lovage('clock', { broker: 'memory://', clock, logger: silentLogger });
  apps.push(app);
  const sent: number[] = [];
  const undone: string[] = [];
  const remind = app.workflow({ name: 'remind', timeout: '40d' }, async (w, _: null) => {
    const began = w.now();
    for (let week = 1; week <= 4; week += 1) {
      await w.sleep('7d');
      await w.step('remind', () => void sent.push(Math.round((clock.now() - began) / day)));
    }
    await w.sleepUntil(new Date(began + 30 * day));
    return Math.round((w.now() - began) / day);
  });
  const slow = app.workflow({ name: 'slow', timeout: '2d' }, async (w, _: null) => {
    w.compensate('undo', () => void undone.push('undo'));
    await w.sleep('3d');
  });
  await startWorker(app);
  const [run, late] = [await remind.start(null), await slow.start(null)];
  const failed = late.get().catch((error: { remoteName?: string }) => error.remoteName);
  const value = run.get();
  value.catch(() => undefined); // awaited below
  const began = performance.now();
  for (let days = 0; days < 32; days += 1) await clock.leap(day);
  expect(await value).toBe(30);
  expect(sent).toEqual([7, 14, 21, 28]);
  expect(await failed).toBe('WorkflowTimeoutError');
  expect(undone).toEqual(['undo']);
  expect(performance.now() - began).toBeLessThan(5_000);
});
