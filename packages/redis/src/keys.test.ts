import { describe, expect, it } from 'vitest';
import { bullName, createKeys, taskIdOf } from './keys.ts';

const single = { kind: 'single', db: 0 } as const;

describe('createKeys', () => {
  it("keeps BullMQ's own prefix without one, and ours apart", () => {
    const keys = createKeys(single, undefined);
    expect(keys.job('mail', 'wait')).toBe('bull:mail:wait');
    expect(keys.queues).toBe('lovage:queues');
    expect(keys.result('id')).toBe('lovage:result:id');
    expect(keys.inbox('a')).toBe('lovage:inbox:a');
  });

  it('puts a prefix before both', () => {
    const keys = createKeys(single, 'shop');
    expect([keys.job('mail', 'wait'), keys.dead('mail')]).toEqual(['shop:mail:wait', 'lovage:shop:dead:mail']);
  });

  it('tags every key on a cluster', () => {
    expect(createKeys({ kind: 'cluster', db: 0 }, undefined).job('mail', 'wait')).toBe('{lovage}:mail:wait');
    expect(createKeys({ kind: 'cluster', db: 0 }, 'shop').result('id')).toBe('lovage:{shop}:result:id');
    expect(createKeys({ kind: 'cluster', db: 0 }, '{a}b').result('id')).toBe('lovage:{a}b:result:id');
  });

  it('keeps the channels of two databases apart', () => {
    const channels = [0, 1].map((db) => createKeys({ kind: 'single', db }, 'shop').busTopic('t'));
    expect(channels).toEqual(['lovage:shop:bus:t', 'lovage:shop:db1:bus:t']);
  });

  it('makes a pattern of a star only', () => {
    expect(createKeys(single, 'a[b]?').busPattern('worker.*')).toBe('lovage:a\\[b\\]\\?:bus:worker.*');
  });
});

describe('bullName', () => {
  it.each(['0193-7c', 'mail', 'a.b/c d', 'ž', '1a', '{x}'])('leaves %s as it is', (name) => {
    expect(bullName(name)).toBe(name);
  });

  it.each(['12', '', 'a:b', 'meta', 'active', 'stalled-check', '~x', '~'])(
    'escapes %s, and taskIdOf undoes it',
    (name) => {
      expect(bullName(name)).toMatch(/^~[^:]*$/);
      expect(taskIdOf(bullName(name))).toBe(name);
    },
  );

  it('never throws on a foreign id', () => {
    expect(taskIdOf('~%zz')).toBe('~%zz');
  });
});
