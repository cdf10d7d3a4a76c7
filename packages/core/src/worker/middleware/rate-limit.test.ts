import { expect, it } from 'vitest';
import type { RateLimiter, RatePlace } from '../../driver/rate-limiter.ts';
import { silentLogger } from '../../logger.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import { createRateLimit, TaskRates } from './rate-limit.ts';

const message = { id: 'a', task: 't' };
const attempt = { message, definition: { name: 't', options: { rateLimit: { count: 1, period: 1_000 } } } };
const ran: AttemptResult = { state: 'SUCCESS', value: 'ran' };
const clock = createTestClock();

function ask(place: () => Promise<RatePlace>): Promise<AttemptResult> {
  const enter: RateLimiter['enter'] = async () => ({ places: [await place()], waiting: 0 });
  const limiter = { enter } as RateLimiter; // as much as it asks
  const limit = createRateLimit({ limiter, rates: new TaskRates(), clock, logger: silentLogger, onLine: () => {} });
  return limit.run(attempt as unknown as Attempt, async () => ran); // as much as it reads
}

it('runs what may start, and puts what may not, or cannot be told so, back into the broker', async () => {
  const now = clock.now();
  expect(await ask(async () => ({ free: true, order: 0, wait: 0 }))).toEqual(ran);
  expect(await ask(async () => ({ free: false, order: 7, wait: 400 }))).toEqual({
    state: 'POSTPONED',
    message: { ...message, rateLine: { order: 7 } },
    at: now + 10_600,
  });
  expect(await ask(() => Promise.reject(new Error('away')))).toEqual({ state: 'POSTPONED', message, at: now + 1_000 });
});
