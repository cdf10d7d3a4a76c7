import { describe, expect, it } from 'vitest';
import { Backoff, pauseAfter, retry } from './retry.ts';
import { createTestClock } from './testing/test-clock.ts';

const pauses = { first: 100, longest: 350 };

describe('pauses', () => {
  it('double up to the longest, and stay there', () => {
    expect([1, 2, 3, 4, 5_000].map((failures) => pauseAfter(pauses, failures))).toEqual([100, 200, 350, 350, 350]);
  });

  it('begin again after a reset', () => {
    const backoff = new Backoff(pauses);
    expect([backoff.next(), backoff.next()]).toEqual([100, 200]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });
});

describe('retry', () => {
  it('tries until the work resolves, with the pauses that it reports', async () => {
    const clock = createTestClock();
    const seen: unknown[] = [];
    const starts: number[] = [];
    const begin = clock.now();
    const done = retry(
      clock,
      { ...pauses, onError: (error, inMs) => seen.push([String(error), inMs]) },
      undefined,
      async () => {
        starts.push(clock.now() - begin);
        if (starts.length < 4) throw new Error(`try ${starts.length}`);
        return 'there';
      },
    );
    for (let step = 0; step < 3; step += 1) await clock.advance(350);
    expect(await done).toBe('there');
    expect(seen).toEqual([
      ['Error: try 1', 100],
      ['Error: try 2', 200],
      ['Error: try 3', 350],
    ]);
  });

  it('an abort cuts the pause short: one more try, then undefined', async () => {
    const giveUp = new AbortController();
    let tries = 0;
    const done = retry(createTestClock(), { ...pauses, onError: () => giveUp.abort() }, giveUp.signal, async () => {
      tries += 1;
      throw new Error('refused');
    });
    expect(await done).toBeUndefined();
    expect(tries).toBe(2);
  });

  it('ends with what onError throws', async () => {
    const rule = {
      ...pauses,
      onError: (error: unknown) => {
        throw error;
      },
    };
    const failing = retry(createTestClock(), rule, undefined, () => Promise.reject(new RangeError('for good')));
    await expect(failing).rejects.toThrow(RangeError);
  });
});
