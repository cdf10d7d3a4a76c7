import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PayloadNotSerializableError, PayloadTooLargeError, TaskValidationError } from '../errors.ts';
import { createSchemaCodec, type Schema } from '../options/schema.ts';
import { decodeArgs, decodeResult, encodeArgs, encodeResult, type PayloadOwner } from './payload-codec.ts';

const plain: PayloadOwner = { name: 'plain' };
const limit = { bytes: 1000, option: 'maxPayload' };
const withArgs = (schema: Schema): PayloadOwner => ({ name: 'checked', args: createSchemaCodec(schema) });
const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

describe('arguments without a schema', () => {
  it.each([
    ['numbers, text, null, lists and objects', [1, -1.5, 'a', null, [1, [2]], { a: { b: true } }]],
    ['an empty list', []],
    ['every character', ['\u0000\ud800"\\\n😀']],
    ['an object without prototype', [Object.assign(Object.create(null) as object, { a: 1 })]],
    ['a property that is undefined, as absent', [{ a: undefined, b: 1 }]],
  ])('carry %s', (_what, args) => {
    expect(JSON.parse(JSON.stringify(encodeArgs(plain, args, limit)))).toEqual(JSON.parse(JSON.stringify(args)));
  });

  it('leave out what is undefined at their end, as optional parameters are', () => {
    expect(encodeArgs(plain, [1, undefined, undefined], limit)).toEqual([1]);
  });

  it.each([
    ['args[1]', [1, undefined, 2], 'undefined'],
    ['args[0].a[2]', [{ a: [1, 2, undefined] }], 'undefined'],
    ['args[0]', [Number.NaN], 'NaN'],
    ['args[0]', [Number.POSITIVE_INFINITY], 'Infinity'],
    ['args[0].n', [{ n: 1n }], 'a bigint'],
    ['args[0]', [new Map()], 'an instance of Map'],
    ['args[0].when', [{ when: new Date(0) }], 'an instance of Date'],
    ['args[0]', [new (class Point {})()], 'an instance of Point'],
    ['args[0]', [{ toJSON: () => 1 }], 'an instance of Object'],
    ['args[0].f', [{ f: () => 1 }], 'a function'],
    ['args[0]', [Symbol('s')], 'a symbol'],
    ['args[0].__proto__', [JSON.parse('{"__proto__":{"polluted":1}}')], 'a forbidden key'],
  ])('refuse what JSON would change, naming %s', (path, args, found) => {
    const attempt = () => encodeArgs(plain, args, limit);
    expect(attempt).toThrow(PayloadNotSerializableError);
    expect(attempt).toThrow(`${path} is ${found}`);
  });

  it('refuse a circular object and one nested too deep', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => encodeArgs(plain, [circular], limit)).toThrow('nested deeper than 64 levels (or circular)');
    let deep: unknown = 1;
    for (let level = 0; level < 70; level++) deep = [deep];
    expect(() => encodeArgs(plain, [deep], limit)).toThrow('nested deeper');
  });

  it('are measured in bytes of JSON, to the byte', () => {
    const fits = 'é'.repeat(498); // 2 bytes each, with [""] around
    expect(encodeArgs(plain, [fits], limit)).toEqual([fits]);
    expect(() => encodeArgs(plain, [`${fits}a`], limit)).toThrow(PayloadTooLargeError);
    expect(() => encodeArgs(plain, ['a'.repeat(100_000_000)], limit)).toThrow(
      'arguments of task "plain" take 100000004 bytes as JSON, over the limit of 1000 (option maxPayload)',
    );
  });
});

describe('arguments with a schema', () => {
  it('cross as wire JSON and arrive as themselves', () => {
    const owner = withArgs(z.tuple([z.object({ when: isoDate, note: z.string() })]));
    const wire = encodeArgs(owner, [{ when: new Date(5), note: 'n' }], limit);
    expect(wire).toEqual([{ when: '1970-01-01T00:00:00.005Z', note: 'n' }]);
    expect(decodeArgs(owner, wire as never, 'id')).toEqual([{ when: new Date(5), note: 'n' }]);
  });

  it('may be given as the schema takes them: text for a codec, a default left out, both side by side', () => {
    const owner = withArgs(z.tuple([isoDate, z.number().default(7)]));
    for (const given of [
      [new Date(0), 7],
      ['1970-01-01T00:00:00.000Z', 7],
      ['1970-01-01T00:00:00.000Z'],
      [new Date(0)],
    ]) {
      expect(decodeArgs(owner, encodeArgs(owner, given, limit) as never, 'id')).toEqual([new Date(0), 7]);
    }
  });

  it('go through a one-way transform in the worker only', () => {
    const owner = withArgs(z.tuple([z.string().transform((text) => text.length)]));
    const wire = encodeArgs(owner, ['four'], limit);
    expect(wire).toEqual(['four']);
    expect(decodeArgs(owner, wire as never, 'id')).toEqual([4]);
  });

  it('that do not fit are refused with the paths of the schema', () => {
    const owner = withArgs(z.tuple([z.object({ amount: z.number().positive(), items: z.array(z.string()) })]));
    const attempt = () => encodeArgs(owner, [{ amount: -1, items: ['a', 2] }], limit);
    expect(attempt).toThrow(TaskValidationError);
    expect(attempt).toThrow(/\[0\]\.amount: .*; \[0\]\.items\[1\]: /);
  });

  it('may be checked asynchronously', async () => {
    const owner = withArgs(z.tuple([z.string().refine(async (text) => text !== 'bad', 'is bad')]));
    expect(await encodeArgs(owner, ['good'], limit)).toEqual(['good']);
    await expect(encodeArgs(owner, ['bad'], limit)).rejects.toThrow('[0]: is bad');
  });

  it('of another vendor are sent as given', () => {
    const schema: Schema<[number], [string]> = {
      '~standard': {
        version: 1,
        vendor: 'other',
        validate: (value) =>
          typeof (value as unknown[])[0] === 'number'
            ? { value: [String((value as unknown[])[0])] }
            : { issues: [{ message: 'no number', path: [0] }] },
      },
    };
    const owner = withArgs(schema);
    expect(encodeArgs(owner, [5], limit)).toEqual([5]);
    expect(decodeArgs(owner, [5], 'id')).toEqual(['5']);
    expect(() => encodeArgs(owner, ['5'], limit)).toThrow('[0]: no number');
  });

  it('must still be JSON after encoding', () => {
    expect(() => encodeArgs(withArgs(z.tuple([z.date()])), [new Date(0)], limit)).toThrow(
      'args[0] is an instance of Date',
    );
  });
});

describe('return values', () => {
  it('may be undefined, and then carry no value', () => {
    expect(encodeResult(plain, undefined, limit)).toBeUndefined();
    expect(decodeResult(plain, undefined, 'id')).toBeUndefined();
    expect(encodeResult(plain, null, limit)).toBeNull();
  });

  it('are encoded by the schema of the task', () => {
    const owner: PayloadOwner = { name: 'dated', returns: createSchemaCodec(isoDate) };
    const wire = encodeResult(owner, new Date(0), limit);
    expect(wire).toBe('1970-01-01T00:00:00.000Z');
    expect(decodeResult(owner, wire as string, 'id')).toEqual(new Date(0));
    expect(() => encodeResult(owner, 5, limit)).toThrow('return value of task "dated" do not fit its schema');
  });
});
