import { describe, expect, it } from 'vitest';
import { createTestClock } from '../src/testing.ts';
import { openMemory } from './memory-context.ts';

describe('the memory result store on a test clock', () => {
  const record = (id: string, state = 'SUCCESS') => ({ id, task: 't', state, attempts: 1, at: 1 });

  it('keeps a record for its time and no longer', async () => {
    const clock = createTestClock();
    const { results } = openMemory(clock);
    await results.put([{ record: record('a'), ttl: 1000 }]);
    await clock.advance(999);
    expect(await results.get(['a'])).toEqual([record('a')]);
    await clock.advance(1);
    expect(await results.get(['a'])).toEqual([undefined]);
    expect(clock.pending).toBe(0);
  });

  it('takes the time of the latest write, longer or shorter', async () => {
    const clock = createTestClock();
    const { results } = openMemory(clock);
    await results.put([
      { record: record('longer', 'STARTED'), ttl: 1000 },
      { record: record('shorter', 'STARTED'), ttl: 9000 },
    ]);
    await results.put([
      { record: record('longer'), ttl: 5000 },
      { record: record('shorter'), ttl: 500 },
    ]);
    await clock.advance(500);
    expect(await results.get(['longer', 'shorter'])).toEqual([record('longer'), undefined]);
    await clock.advance(4499);
    expect(await results.get(['longer'])).toEqual([record('longer')]);
    await clock.advance(1);
    expect(await results.get(['longer'])).toEqual([undefined]);
  });

  it('a repeated final record does not live longer', async () => {
    const clock = createTestClock();
    const { results } = openMemory(clock);
    await results.put([{ record: record('a'), ttl: 1000 }]);
    await clock.advance(900);
    await results.put([{ record: record('a'), ttl: 1000 }]);
    await clock.advance(100);
    expect(await results.get(['a'])).toEqual([undefined]);
  });

  it('remembers a join for its time after its last change', async () => {
    const clock = createTestClock();
    const { results } = openMemory(clock);
    const join = (index: number) => results.join({ groupId: 'g', index, size: 3, succeeded: true, ttl: 1000 });
    await join(0);
    await clock.advance(900);
    await join(1);
    await clock.advance(900);
    expect(await join(1)).toMatchObject({ done: 2 }); // no change: the time runs on
    await clock.advance(100);
    expect(await join(1)).toMatchObject({ done: 1 });
  });
});
