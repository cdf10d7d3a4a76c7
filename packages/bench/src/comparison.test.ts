import { expect, it } from 'vitest';
import { comparedOf, comparisonTable } from './comparison.ts';

const round = (own: Record<string, number>, other: Record<string, number>) => ({
  own: new Map(Object.entries(own)),
  other: new Map(Object.entries(other)),
});

it('compares round by round, and leaves out what one of the two does not have', () => {
  const compared = comparedOf([
    round({ run: 200, fresh: 1 }, { run: 100 }),
    round({ run: 30, fresh: 1 }, { run: 20 }),
    round({ run: 90, fresh: 1 }, { run: 100 }),
  ]);
  expect(compared).toEqual([{ name: 'run', value: 90, other: 100, ratio: 1.5, lowest: 0.9, highest: 2 }]);
  expect(comparisonTable(compared, 'v1')).toBe(
    ['figure  here  v1   ratio  of each round', 'run     90    100  1.5 ×  0.9–2'].join('\n'),
  );
});
