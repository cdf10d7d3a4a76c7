import { expect, it } from 'vitest';
import { formatTable } from './table.ts';

it('aligns text left and numbers right', () => {
  const table = formatTable(
    ['queue', 'waiting'],
    [
      ['default', 5],
      ['a', 12_000],
    ],
  );
  expect(table).toBe('queue    waiting\ndefault        5\na          12000');
});

it('keeps a row in its line', () => {
  expect(formatTable(['id', 'task'], [['a\nforged', 't']])).toBe('id         task\na\\nforged  t');
});
