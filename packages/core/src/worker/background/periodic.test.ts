import { expect, it } from 'vitest';
import { ClosedError } from '../../errors.ts';
import { silentLogger } from '../../logger.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { Periodic } from './periodic.ts';

function setUp(answers: (Error | undefined)[]) {
  const clock = createTestClock();
  let turns = 0;
  const work = async (): Promise<void> => {
    const answer = answers[turns++];
    if (answer) throw answer;
  };
  const periodic = new Periodic({ clock, logger: silentLogger, what: 'work', interval: 1000, work });
  return { clock, periodic, turns: () => turns };
}

it('works at once and then turn by turn, also after a turn that failed, until it is stopped', async () => {
  const { clock, periodic, turns } = setUp([undefined, new Error('away')]);
  await periodic.start();
  expect(turns()).toBe(1);
  await clock.advance(3_000);
  expect(turns()).toBe(4);
  periodic.stop();
  await clock.advance(3_000);
  expect([turns(), clock.pending]).toEqual([4, 0]);
});

it('ends with its app', async () => {
  const { clock, periodic } = setUp([new ClosedError('the app')]);
  await periodic.start();
  expect(clock.pending).toBe(0);
});
