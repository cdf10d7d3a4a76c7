import { describe, expect, it } from 'vitest';
import { compilePattern, compileRoutes } from './route.ts';

const ask = (routes: Parameters<typeof compileRoutes>[0], task: string) => compileRoutes(routes)({ task, args: [] });

describe('routes', () => {
  it('go by exact name, glob, expression or function, and the first that fits decides', () => {
    const rules = [
      ['math.add', 'adding'],
      ['math.*', { queue: 'math', priority: 4 }],
      [/^mail\./, 'mail'],
      ['*', 'rest'],
    ] as const;
    expect(ask(rules, 'math.add')).toEqual({ queue: 'adding' });
    expect(ask(rules, 'math.deep.sum')).toEqual({ queue: 'math', priority: 4 });
    expect(ask(rules, 'mail.send')).toEqual({ queue: 'mail' });
    expect(ask(rules, 'other')).toEqual({ queue: 'rest' });
    expect(ask({ 'math.*': 'math' }, 'mathematics')).toBeUndefined();
    expect(ask(({ task }) => (task.startsWith('a') ? 'a' : undefined), 'abc')).toEqual({ queue: 'a' });
    expect(ask(({ task }) => (task.startsWith('a') ? 'a' : undefined), 'bc')).toBeUndefined();
    expect(ask(undefined, 'x')).toBeUndefined();
  });

  it('treat the signs of expressions in globs as themselves', () => {
    expect(ask({ 'a.b(c)*': 'q' }, 'a.b(c)d')).toEqual({ queue: 'q' });
    expect(ask({ 'a.b': 'q' }, 'axb')).toBeUndefined();
    expect(ask({ 'a?': 'q' }, 'ab')).toEqual({ queue: 'q' });
  });

  it('that cannot be are refused when they are given', () => {
    expect(() => compileRoutes({ a: { quue: 'x' } as never })).toThrow('unknown option "quue": did you mean "queue"?');
    expect(() => compileRoutes({ a: 'with space' })).toThrow('expected a queue name');
    expect(() => compileRoutes('x' as never)).toThrow('expected an object, a list of rules, or a function');
  });
});

it('fits globs in linear time, whatever they are', () => {
  const fits = compilePattern(`${'*a'.repeat(200)}*b`);
  const start = performance.now();
  expect(fits('a'.repeat(400))).toBe(false);
  expect(performance.now() - start).toBeLessThan(1_000); // as a regular expression: longer than anybody waits
  for (const [glob, name, expected] of [
    ['a*b?d', 'axxbcd', true],
    ['*', '', true],
    ['a*a', 'a', false],
    ['**x*', 'ax\n', true],
    ['a.c*', 'abc', false],
    ['?', '', false],
  ] as const) {
    expect(compilePattern(glob)(name), `${glob} ${name}`).toBe(expected);
  }
});
