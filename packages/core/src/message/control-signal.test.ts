import { describe, expect, it } from 'vitest';
import { LovageError } from '../errors.ts';
import { Ignore, Reject, Retry } from './control-signal.ts';

describe('control signals', () => {
  it('say what they ask for', () => {
    const exc = new Error('flaky');
    expect(new Retry({ delay: 5, exc })).toMatchObject({ request: { delay: 5, exc }, cause: exc });
    expect(new Reject('bad', { requeue: true })).toMatchObject({ requeue: true, message: 'bad' });
    expect(new Reject().requeue).toBe(false);
    for (const signal of [new Retry(), new Ignore(), new Reject()]) {
      expect(signal).not.toBeInstanceOf(LovageError);
    }
  });
});
