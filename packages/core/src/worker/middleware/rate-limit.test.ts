import { expect, it } from 'vitest';
import type { RateLimiter } from '../../driver/rate-limiter.ts';
import { silentLogger } from '../../logger.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import type { Attempt } from '../attempt.ts';
import type { AttemptResult } from '../attempt-result.ts';
import { TaskRates } from '../task-rates.ts';
import { createRateLimit } from './rate-limit.ts';

const message = { id: 'a', task: 't' };
const attempt = { message, definition: { name: 't', options: { rateLimit: { count: 1, period: 1_000 } } } };
const ran: AttemptResult = { state: 'SUCCESS', value: 'ran' };
const clock = createTestClock();

function ask(reserve: RateLimiter['reserve']): Promise<AttemptResult> {
  const limit = createRateLimit({ limiter: { reserve }, rates: new TaskRates(), clock, logger: silentLogger });
  return limit.run(attempt as unknown as Attempt, async () => ran); // as much as it reads
}

it('runs what has its moment now, and holds back what has it later, or cannot be told it', async () => {
  const now = clock.now();
  expect(await ask(async () => 0)).toEqual(ran);
  expect(await ask(async () => 400)).toEqual({
    state: 'LIMITED',
    message: { ...message, limitedUntil: now + 400 },
    at: now + 400,
  });
  expect(await ask(() => Promise.reject(new Error('away')))).toEqual({ state: 'LIMITED', message, at: now + 1_000 });
});
