import { expect, it } from 'vitest';
import { compileTagFilter } from './tag-filter.ts';

it('lets everything through without a tag, and tells tags, globs and what is no list of tags apart with one', () => {
  expect(compileTagFilter(undefined)(undefined)).toBe(true);
  const fits = compileTagFilter('customer:*');
  expect([['customer:7'], ['a', 'customer:7'], ['customer'], [7], 'customer:7', undefined].map(fits)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
