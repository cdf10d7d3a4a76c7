import { describe, expect, it } from 'vitest';
import { MalformedMessageError } from '../errors.ts';
import { limits } from '../options/limits.ts';
import type { Message } from './message.ts';
import { parseMessage, parseMessageText } from './message-parser.ts';

const minimal: Message = {
  v: 1,
  id: '0190',
  task: 'math.add',
  args: [2, 3],
  queue: 'default',
  priority: 0,
  retries: 0,
  sentAt: 1_790_000_000_000,
};

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

describe('parseMessage', () => {
  it('takes a message as it is', () => {
    expect(parseMessage(minimal)).toEqual(minimal);
    const full = { ...minimal, eta: 5, expires: 6, maxRetries: null, headers: { a: { b: [1] } }, mayRepeat: true };
    expect(parseMessage(full)).toEqual(full);
  });

  it('drops fields it does not know, so that a newer minor may add some', () => {
    expect(parseMessage({ ...minimal, future: 1 })).toEqual(minimal);
  });

  it.each<[string, unknown]>([
    ['v', 0],
    ['v', '1'],
    ['id', ''],
    ['id', 5],
    ['id', 'x'.repeat(201)],
    ['task', ''],
    ['task', null],
    ['args', { 0: 1 }],
    ['queue', ''],
    ['priority', 10],
    ['priority', -1],
    ['priority', 1.5],
    ['retries', -1],
    ['sentAt', 'now'],
    ['sentAt', 1.5],
    ['eta', null],
    ['eta', -1],
    ['maxRetries', 'many'],
    ['headers', []],
    ['replyTo', 'x'.repeat(201)],
    ['mayRepeat', 1],
    ['groupIndex', -1],
  ])('refuses %s = %j and names the field', (field, value) => {
    expect(() => parseMessage({ ...minimal, [field]: value })).toThrow(MalformedMessageError);
    expect(() => parseMessage({ ...minimal, [field]: value })).toThrow(`message field ${field}`);
  });

  it('refuses a message that lacks any required field', () => {
    for (const field of Object.keys(minimal)) {
      expect(() => parseMessage({ ...minimal, [field]: undefined }), field).toThrow(MalformedMessageError);
    }
  });

  it('tells a newer version from a broken one', () => {
    expect(() => parseMessage({ ...minimal, v: 2 })).toThrow(/version 2 is newer.*upgrade the worker/);
  });

  it('takes nesting up to the limit and refuses more', () => {
    // the message is level 0 and args level 1
    expect(() => parseMessage({ ...minimal, args: [nested(limits.messageDepth - 1)] })).not.toThrow();
    expect(() => parseMessage({ ...minimal, args: [nested(limits.messageDepth)] })).toThrow(/deeper than 72/);
    expect(() => parseMessage({ ...minimal, extra: nested(5000) })).toThrow(/deeper than 72/);
  });

  it('refuses __proto__ as a key, anywhere, and takes constructor', () => {
    const poisoned = (text: string): unknown => JSON.parse(JSON.stringify(minimal).replace('[2,3]', `[${text}]`));
    expect(() => parseMessage(poisoned('{"a":[{"__proto__":{}}]}'))).toThrow(/forbidden key/);
    expect(() => parseMessage(poisoned('{"constructor":1}'))).not.toThrow();
  });

  it('throws MalformedMessageError and nothing else, whatever it is given', () => {
    for (const value of [undefined, null, 0, '', 'text', true, [], {}, [[]], { v: 1 }, { v: { v: 1 } }]) {
      expect(() => parseMessage(value), JSON.stringify(value)).toThrow(MalformedMessageError);
    }
  });
});

describe('parseMessageText', () => {
  it('reads JSON text', () => {
    expect(parseMessageText(JSON.stringify(minimal))).toEqual(minimal);
  });

  it('survives every truncation and many a flipped byte', () => {
    const text = JSON.stringify({ ...minimal, headers: { a: ['ž', { b: null }] } });
    for (let length = 0; length < text.length; length += 1) {
      expect(() => parseMessageText(text.slice(0, length)), `${length}`).toThrow(MalformedMessageError);
    }
    for (let index = 0; index < text.length; index += 1) {
      const broken = `${text.slice(0, index)}\u0000${text.slice(index + 1)}`;
      expect(() => parseMessageText(broken), `${index}`).toThrow(MalformedMessageError);
    }
  });

  it('survives brackets by the hundred thousand', () => {
    expect(() => parseMessageText('['.repeat(200_000))).toThrow(MalformedMessageError);
    expect(() => parseMessageText('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(MalformedMessageError);
  });
});
