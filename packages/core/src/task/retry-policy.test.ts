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
    expect([0, 1, 2, 3, 4, 60, 5000].map((retries) => retryDelay(policy({}), retries, () => 0.5))).toEqual([
      1000, 2000, 4000, 8000, 10_000, 10_000, 10_000,
    ]);
  });

  it('is drawn from its whole length with jitter', () => {
    const jittered = policy({ retryJitter: true });
    expect([0, 0.25, 0.999].map((draw) => retryDelay(jittered, 2, () => draw))).toEqual([0, 1000, 3996]);
  });

  it('is the default delay without backoff, unjittered', () => {
    expect(retryDelay(policy({ retryBackoff: false, retryJitter: true }), 7, () => 0)).toBe(5000);
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
