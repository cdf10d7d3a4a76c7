import { expect, it } from 'vitest';
import { formatProgress, shareOf } from './progress-bar.ts';

it('reads shares, percentages and counts', () => {
  const said = [
    0,
    0.5,
    1,
    50,
    100,
    101,
    -1,
    { done: 1, total: 4 },
    { current: 2, total: 4 },
    { total: 0 },
    'half',
    null,
  ];
  expect(said.map(shareOf)).toEqual([
    0,
    0.5,
    1,
    0.5,
    1,
    undefined,
    undefined,
    0.25,
    0.5,
    undefined,
    undefined,
    undefined,
  ]);
});

it('draws a bar, and shows what is hostile as text', () => {
  expect(formatProgress(0.5)).toBe(`${'█'.repeat(15)}${'░'.repeat(15)}  50 %`);
  expect(formatProgress({ done: 1, total: 1, step: 'mail' })).toMatch(
    /^█{30} 100 % {2}\{"done":1,"total":1,"step":"mail"\}$/,
  );
  expect(formatProgress('\u001b[2J now')).toBe('\\x1b[2J now');
});
