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
