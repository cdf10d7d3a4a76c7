import { expect, it } from 'vitest';
import { readGrant, readJobGrant } from './grant.ts';

it('a grant names its fence and its group, which may hold blanks', () => {
  expect(readGrant('7 c:["a b","k"]')).toEqual({ fence: 7, group: 'c:["a b","k"]' });
  for (const text of ['', '7', ' g', 'x g', '0 g', '-1 g']) expect(readGrant(text), text).toBeUndefined();
});

it('a grant of a job is good for its next activation, and for no other', () => {
  expect(readJobGrant('2 7 g', 3)).toEqual({ fence: 7, group: 'g' });
  for (const activations of [0, 1, 2, 4, Number.NaN]) expect(readJobGrant('2 7 g', activations)).toBeUndefined();
});
