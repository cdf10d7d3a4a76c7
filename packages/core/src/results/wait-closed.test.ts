import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { group } from '../canvas/group.ts';
import { silentLogger } from '../logger.ts';

const open = () => new Lovage('closed', { broker: 'memory://', logger: silentLogger });

it('a wait leaves no timer behind when its app is closed', async () => {
  const app = open();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const result = await app.task('t', () => 1).delay();
  result.get({ timeout: '1h' }).catch(() => {}); // nobody runs it
  expect(timers()).toBeGreaterThan(before);
  await app.close();
  expect(timers()).toBeLessThanOrEqual(before);
});

it('whoever waits is told that the app is closed, in each way to wait', async () => {
  const app = open();
  const task = app.task('t', (n: number) => n);
  const result = await task.delay(1);
  const both = await group([task.s(1), task.s(2)]).delay();
  const progress = (async () => {
    for await (const value of result.progress()) throw new Error(`nobody says ${value}`);
    return 'over';
  })();
  const waits = [
    result.get(),
    result.wait(),
    result.get({ timeout: '1h' }),
    task.call([2], { timeout: '1h' }),
    both.get(),
    both.join({ propagate: false }),
  ];
  const ends = Promise.allSettled(waits);
  await new Promise((resolve) => setImmediate(resolve)); // the call is sent
  await app.close();
  const info = (await ends).map((end) => (end.status === 'rejected' ? end.reason : end.value));
  const closed = expect.objectContaining({ name: 'ClosedError', code: 'CLOSED' });
  expect(info).toEqual([closed, closed, closed, closed, closed, [closed, closed]]);
  expect(String(info[0])).toBe(
    `ClosedError: the app is closed: task ${result.id} was still awaited (the task goes on)`,
  );
  expect(await progress).toBe('over');
});

it('any number of waits share one listener on a signal', async () => {
  const app = open();
  const { id } = await app.task('t', () => 1).delay();
  const controller = new AbortController();
  const { signal } = controller;
  const waits = Array.from({ length: 20 }, () => app.asyncResult(id).get({ signal }));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort(new Error('enough'));
  for (const end of await Promise.allSettled(waits)) expect(end).toMatchObject({ reason: { message: 'enough' } });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  await app.close();
});
