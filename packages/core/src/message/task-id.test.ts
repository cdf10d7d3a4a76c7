import { describe, expect, it } from 'vitest';
import { isGeneratedId, newTaskId, timeOfTaskId } from './task-id.ts';

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('newTaskId', () => {
  it('makes UUIDs of version 7 that are unique and sort in the order they were made', () => {
    const ids = Array.from({ length: 20_000 }, () => newTaskId());
    for (const id of ids) expect(id).toMatch(uuid7);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('are told from ids that somebody chose', () => {
    expect(isGeneratedId(newTaskId())).toBe(true);
    for (const id of ['order-17', 'key~abc', '', `${newTaskId()}.0`, crypto.randomUUID()])
      expect(isGeneratedId(id)).toBe(false);
  });

  it('holds the time it was made', () => {
    const before = Date.now();
    const time = timeOfTaskId(newTaskId()) as number;
    // ids made faster than 4,096 a millisecond run a little ahead
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now() + 1000);
  });

  it('keeps its order when the clock stands still or is set back', () => {
    const now = Date.now() + 10_000;
    const ids: string[] = [];
    for (let index = 0; index < 10_000; index += 1) ids.push(newTaskId(now));
    for (let index = 0; index < 100; index += 1) ids.push(newTaskId(now - 5000));
    ids.push(newTaskId(now + 1000));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('draws 62 bits at random', () => {
    const tails = Array.from({ length: 1000 }, () => newTaskId().slice(19));
    expect(new Set(tails).size).toBe(1000);
    for (let position = 5; position < 17; position += 1) {
      expect(new Set(tails.map((tail) => tail[position])).size, `digit ${position}`).toBe(16);
    }
    expect(new Set(tails.map((tail) => tail[0]))).toEqual(new Set(['8', '9', 'a', 'b']));
  });
});

describe('timeOfTaskId', () => {
  it('knows nothing of other ids', () => {
    for (const id of ['', 'abc', '9b2c3d4e-0000-4000-8000-000000000000', `${newTaskId()}x`, ` ${newTaskId()}`]) {
      expect(timeOfTaskId(id), id).toBeUndefined();
    }
  });

  it('reads back the time', () => {
    expect(timeOfTaskId('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(0x017f22e279b0);
    expect(timeOfTaskId('017F22E2-79B0-7CC3-98C4-DC0C0C07398F')).toBe(0x017f22e279b0);
  });
});
