import { describe, expect, it } from 'vitest';
import type { DeadLetter } from '../driver/monitor.ts';
import type { Message } from '../message/message.ts';
import { toReplay } from './dead-letter-replay.ts';

const message: Message = {
  v: 1,
  id: 'old',
  task: 'mail.send',
  args: ['a@b.c'],
  queue: 'mail',
  priority: 5,
  retries: 3,
  sentAt: 1,
  eta: 2,
  expires: 3,
  maxRetries: 7,
  replyTo: 'inbox',
  parentId: 'parent',
  groupId: 'group',
  groupIndex: 2,
  headers: { tenant: 'x' },
  stamps: { customer: 42 },
  crashes: 2,
  requeues: 1,
  unknownSince: 1,
  mayRepeat: true,
  canvas: { next: 'then', each: true, input: 'before' },
};

function letterOf(body: unknown, fields: Partial<DeadLetter> = {}): DeadLetter {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const reason = { name: 'Reject', message: 'no' };
  return { key: '1-0', id: 'old', queue: 'mail', task: 'mail.send', at: 10, reason, body: text, ...fields };
}

describe('a replay', () => {
  it('is the same call under a new id, starts afresh, and says where it comes from', () => {
    const replay = toReplay(letterOf(message), {}, 100);
    expect(replay).toEqual({
      v: 1,
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/),
      task: 'mail.send',
      args: ['a@b.c'],
      queue: 'mail',
      priority: 5,
      retries: 0,
      sentAt: 100,
      maxRetries: 7,
      rootId: 'old',
      parentId: 'parent',
      headers: { tenant: 'x', replayOf: 'old' },
      stamps: { customer: 42 },
      canvas: { each: true, input: 'before' },
      mayRepeat: true,
    });
  });

  it('of one letter has one id, of another letter another', () => {
    const ids = [{}, {}, { key: '2-0' }, { queue: 'other' }].map(
      (fields) => toReplay(letterOf(message, fields), {}, Math.random()).id,
    );
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBe(ids[1]);
  });

  it('takes other arguments and another queue', () => {
    const replay = toReplay(letterOf(message), { args: [['x']], queue: 'slow' }, 100);
    expect(replay).toMatchObject({ args: [['x']], queue: 'slow', canvas: { each: true } });
    expect(replay.canvas).not.toHaveProperty('input');
  });

  it('keeps the root of a task that had one', () => {
    expect(toReplay(letterOf({ ...message, rootId: 'root' }), {}, 1).rootId).toBe('root');
  });

  it.each([
    ['not json', /it is not JSON/],
    ['[]', /it is not an object/],
    [{ ...message, v: 99 }, /version 99 is newer/],
    [{ ...message, args: 'x' }, /field args/],
    ['{"args":[{"__proto__":1}]}', /forbidden key/],
  ])('of %j is refused', (body, problem) => {
    expect(() => toReplay(letterOf(body), {}, 1)).toThrow(problem);
  });

  it('of bytes that are no message goes with arguments of its own, where the task is known', () => {
    expect(toReplay(letterOf('not json'), { args: [1] }, 1)).toMatchObject({ task: 'mail.send', args: [1] });
    const { task: _task, ...unknown } = letterOf('not json');
    expect(() => toReplay(unknown, { args: [1] }, 1)).toThrow(/not JSON/);
  });

  it('of a job whose id, task and queue stand beside its data fills them in', () => {
    expect(toReplay(letterOf({ v: 1, args: [1] }), {}, 1)).toMatchObject({
      task: 'mail.send',
      args: [1],
      queue: 'mail',
    });
  });
});
