import { expect, it } from 'vitest';
import { createTestClock } from '../testing/test-clock.ts';
import { PublishDeadlines } from './publish-deadline.ts';

it('publishes that begin within a twentieth of the timeout share a signal, which aborts when it has passed for all', async () => {
  const clock = createTestClock();
  const deadlines = new PublishDeadlines(clock, 1_000);
  const first = deadlines.signal();
  await clock.advance(49);
  expect(deadlines.signal()).toBe(first);
  await clock.advance(1);
  const second = deadlines.signal();
  expect(second).not.toBe(first);
  await clock.advance(999);
  expect([first.aborted, second.aborted]).toEqual([false, false]);
  await clock.advance(1);
  expect([first.aborted, second.aborted]).toEqual([true, false]);
});

it('closing aborts every publish under way, not only the last ones, and leaves no timer', async () => {
  const clock = createTestClock();
  const deadlines = new PublishDeadlines(clock, 1_000);
  const signals = [deadlines.signal()];
  await clock.advance(500);
  signals.push(deadlines.signal());
  deadlines.close();
  for (const { reason } of signals) expect(reason).toMatchObject({ name: 'ClosedError' });
  expect(clock.pending).toBe(0);
});
