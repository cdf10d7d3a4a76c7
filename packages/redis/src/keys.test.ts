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

  it('makes each queue, result, group, lock and limit a hash tag on a cluster, and shares one for the rest', () => {
    const keys = createKeys({ kind: 'cluster', db: 0 }, undefined);
    expect([keys.sameSlot, keys.bullQueue('mail')]).toEqual([false, '{mail}']);
    expect([keys.job('mail', 'wait'), keys.stream('mail'), keys.dead('mail')]).toEqual([
      'bull:{mail}:wait',
      'lovage:stream:{mail}:',
      'lovage:dead:{mail}',
    ]);
    expect([keys.result('r'), keys.joinEnded('g'), keys.joinFailed('g')]).toEqual([
      'lovage:result:{r}',
      'lovage:join:{g}:ended',
      'lovage:join:{g}:failed',
    ]);
    expect([keys.lease('a'), keys.fence('a'), keys.rate('a')]).toEqual([
      'lovage:lease:{a}',
      'lovage:fence:{a}',
      'lovage:rate-line:{a}:',
    ]);
    expect([keys.queues, keys.schedules]).toEqual(['lovage:{lovage}:queues', 'lovage:{lovage}:schedules']);
    expect(createKeys({ kind: 'cluster', db: 0 }, 'shop').stream('mail')).toBe('lovage:shop:stream:{mail}:');
  });

  it.each(['}x', '', '12', 'a:b', '~'])('never makes an empty hash tag of the queue "%s", nor two of one', (queue) => {
    const keys = createKeys({ kind: 'cluster', db: 0 }, undefined);
    const tags = [keys.job(queue, 'wait'), keys.stream(queue), keys.dead(queue)].map(
      (key) => /\{(.*?)\}/.exec(key)?.[1],
    );
    expect(new Set(tags).size).toBe(1);
    expect(tags[0]).toMatch(/./);
  });

  it('keeps all keys together under a prefix that is a hash tag', () => {
    const keys = createKeys({ kind: 'cluster', db: 0 }, '{a}b');
    expect([keys.sameSlot, keys.result('id'), keys.job('mail', 'wait')]).toEqual([
      true,
      'lovage:{a}b:result:id',
      '{a}b:mail:wait',
    ]);
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
