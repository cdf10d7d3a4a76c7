import { expect, it } from 'vitest';
import { atLeast, atMost, broken, info, quantile, showFigures } from './figure.ts';

it('says what holds and what does not', () => {
  const figures = [
    atMost('lost', 0, 0),
    atMost('recovery', 4_001, 4_000, 'ms'),
    atLeast('trials', 19, 20),
    info('runs', 7),
    atMost('never measured', Number.NaN, 5),
  ];
  expect(broken(figures)).toEqual(['recovery', 'trials', 'never measured']);
  expect(showFigures(figures.slice(0, 2))).toBe(
    '  lost      0        at most 0        holds\n  recovery  4001 ms  at most 4000 ms  BROKEN',
  );
});

it('finds the quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1), quantile([], 0.5)]).toEqual([
    50, 99, 100, 0,
  ]);
});
