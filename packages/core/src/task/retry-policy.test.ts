import { describe, expect, it } from 'vitest';
import { hasRetriesLeft, isAutoretried, type RetryPolicy, retryDelay } from './retry-policy.ts';

const policy = (changes: Partial<RetryPolicy>): RetryPolicy => ({
  maxRetries: 3,
  defaultRetryDelay: 5000,
  autoretryFor: [],
  dontAutoretryFor: [],
  retryBackoff: 1000,
  retryBackoffMax: 10_000,
  retryJitter: false,
  ...changes,
});

describe('the delay before a retry', () => {
  it('doubles from the base up to the cap', () => {
    expect([0, 1, 2, 3, 4, 60, 5000].map((retries) => retryDelay(policy({}), { retries }, () => 0.5))).toEqual([
      1000, 2000, 4000, 8000, 10_000, 10_000, 10_000,
    ]);
  });

  it('is drawn from its whole length with jitter', () => {
    const jittered = policy({ retryJitter: true });
    expect([0, 0.25, 0.999].map((draw) => retryDelay(jittered, { retries: 2 }, () => draw))).toEqual([0, 1000, 3996]);
  });

  it('is the default delay without backoff, unjittered', () => {
    expect(retryDelay(policy({ retryBackoff: false, retryJitter: true }), { retries: 7 }, () => 0)).toBe(5000);
  });

  it('is what a function says, of the retry and the error, at most the longest backoff', () => {
    const seen: unknown[] = [];
    const own = policy({
      retryBackoffMax: 60_000,
      retryBackoff: (retries, error) => {
        seen.push([retries, error]);
        if (retries === 3) throw new Error('its own fault');
        return retries === 4 ? '1h' : `${retries}s`;
      },
    });
    const wait = (retries: number): number => retryDelay(own, { retries, error: 'gone' }, () => 0.5);
    expect([wait(0), wait(1), wait(2), wait(3)]).toEqual([1_000, 2_000, own.defaultRetryDelay, 60_000]);
    expect(seen[0]).toEqual([1, 'gone']);
  });
});

describe('what is retried without asking', () => {
  class Network extends Error {}
  class Timeout extends Network {}

  it('is what a class or predicate names, subclasses included', () => {
    const retried = policy({ autoretryFor: [Network, (error) => error === 'flaky'] });
    expect(
      [new Timeout(), 'flaky', new Error('plain'), undefined].map((error) => isAutoretried(retried, error)),
    ).toEqual([true, true, false, false]);
  });

  it('is not what is excluded, whatever includes it', () => {
    const retried = policy({ autoretryFor: [Error], dontAutoretryFor: [Timeout] });
    expect([isAutoretried(retried, new Network()), isAutoretried(retried, new Timeout())]).toEqual([true, false]);
  });
});

it('a limit of null has no end', () => {
  expect([hasRetriesLeft(null, 1e9), hasRetriesLeft(2, 1), hasRetriesLeft(2, 2), hasRetriesLeft(0, 0)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
