import { describe, expect, it } from 'vitest';
import type { JsonValue } from './json.ts';
import { jsonSafe } from './json-safe.ts';

describe('jsonSafe', () => {
  it('leaves JSON as it is', () => {
    const value = { a: [1, 'two', null, true, { b: {} }], constructor: 'fine' };
    expect(jsonSafe(value)).toEqual(value);
  });

  it.each<[unknown, JsonValue | undefined]>([
    [undefined, undefined],
    [() => 1, undefined],
    [Symbol('s'), undefined],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [12n, '12'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(Number.NaN), 'Invalid Date'],
    [new TypeError('no'), 'TypeError: no'],
    [Buffer.alloc(10), undefined],
    [
      [undefined, () => 1, 2],
      [null, null, 2],
    ],
    [{ a: undefined, b: () => 1, c: 3 }, { c: 3 }],
    [new Map([[1, 2]]), {}],
  ])('case %#', (value, expected) => {
    expect(jsonSafe(value)).toEqual(expected);
  });

  it('leaves out cycles, and keeps what is only shared', () => {
    const shared = { x: 1 };
    const value: Record<string, unknown> = { first: shared, second: shared };
    value['self'] = value;
    expect(jsonSafe(value)).toEqual({ first: { x: 1 }, second: { x: 1 } });
  });

  it('leaves out __proto__', () => {
    const safe = jsonSafe(JSON.parse('{"__proto__":{"polluted":1},"a":1}'));
    expect(safe).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(safe)).toBe(Object.prototype);
  });

  it('bounds depth, breadth and strings', () => {
    let deep: unknown = 'bottom';
    for (let depth = 0; depth < 100; depth += 1) deep = { deep };
    expect(JSON.stringify(jsonSafe(deep))).toBe('{"deep":{"deep":{"deep":{"deep":{"deep":{}}}}}}');
    expect(jsonSafe(Array(1000).fill(0))).toHaveLength(100);
    expect((jsonSafe('x'.repeat(10_000)) as string).length).toBe(4097);
    expect((jsonSafe(10n ** 9999n) as string).length).toBe(4097);
  });

  it('bounds the whole, where shared parts would multiply', () => {
    let level: unknown = 'leaf';
    for (let depth = 0; depth < 6; depth += 1) level = Array(100).fill(level);
    const start = performance.now();
    expect(JSON.stringify(jsonSafe(level)).length).toBeLessThan(100_000);
    expect(performance.now() - start).toBeLessThan(1000);
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'x'.repeat(4000)]));
    expect(JSON.stringify(jsonSafe(wide)).length).toBeLessThan(50_000);
  });

  it('never throws', () => {
    const hostile = new Proxy([], {
      get: () => {
        throw new Error('no');
      },
    });
    const odd = new Error('x');
    Object.defineProperty(odd, 'name', { value: Symbol('odd') });
    expect(jsonSafe({ hostile, odd, kept: 1 })).toEqual({ kept: 1 });
  });
});
