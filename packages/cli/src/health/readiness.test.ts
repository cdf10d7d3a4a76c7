import { createTestClock, deferred } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { Readiness, type Started } from './readiness.ts';

const started = (
  check: Started['check'],
  longestUnpolledQueue: Started['longestUnpolledQueue'] = () => undefined,
): Started => ({
  check,
  longestUnpolledQueue,
  poolTrouble: () => undefined,
  pollTimeout: 20_000,
});

it('tells starting, started and ending apart', async () => {
  const readiness = new Readiness(createTestClock());
  const answers = async () =>
    Promise.all((['live', 'startup', 'ready'] as const).map(async (probe) => (await readiness.answer(probe)).ok));
  expect(await answers()).toEqual([true, false, false]);
  readiness.start(started(async () => {}));
  expect(await answers()).toEqual([true, true, true]);
  readiness.end();
  expect(await answers()).toEqual([true, true, false]);
  expect(await readiness.answer('ready')).toEqual({ ok: false, reason: 'the worker is ending' });
});

it('asks the broker only when asked, not more than every 5 s, and at most once at a time', async () => {
  const clock = createTestClock();
  const readiness = new Readiness(clock);
  const gate = deferred();
  let asked = 0;
  readiness.start(
    started(() => {
      asked += 1;
      return gate.promise;
    }),
  );
  await clock.advance(4_999);
  expect(await readiness.answer('ready')).toEqual({ ok: true });
  expect(asked).toBe(0);
  await clock.advance(1);
  expect(await Promise.all([readiness.answer('ready'), readiness.answer('ready')])).toEqual([
    { ok: true },
    { ok: true },
  ]);
  expect(asked).toBe(1);
  gate.resolve();
  await clock.advance(4_999);
  expect(await readiness.answer('ready')).toEqual({ ok: true });
  expect(asked).toBe(1);
});

it('is unready once the broker has not answered for 20 s, with the reason, and ready again when it does', async () => {
  const clock = createTestClock();
  const readiness = new Readiness(clock);
  let up = false;
  readiness.start(
    started(async () => {
      if (!up) throw new Error('ECONNREFUSED');
    }),
  );
  await clock.advance(19_999);
  expect(await readiness.answer('ready')).toEqual({ ok: true });
  await clock.advance(1);
  expect(await readiness.answer('ready')).toEqual({
    ok: false,
    reason: 'the broker has not answered for 20 s: ECONNREFUSED',
  });
  expect(await readiness.answer('startup')).toEqual({ ok: true });
  up = true;
  await clock.advance(60_000); // nobody asked for a minute
  expect(await readiness.answer('ready')).toEqual({ ok: true });
});

it('is unready while a queue goes unpolled, though the broker answers', async () => {
  const readiness = new Readiness(createTestClock());
  let since = 19_999;
  readiness.start(
    started(
      async () => {},
      () => ({ queue: 'billing', since }),
    ),
  );
  expect(await readiness.answer('ready')).toEqual({ ok: true });
  since = 20_000;
  expect(await readiness.answer('ready')).toEqual({
    ok: false,
    reason: 'queue "billing" has not been polled for 20 s',
  });
  since = 100;
  expect(await readiness.answer('ready')).toEqual({ ok: true });
});
