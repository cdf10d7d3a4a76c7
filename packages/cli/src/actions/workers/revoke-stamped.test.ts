import { expect, it } from 'vitest';
import { readStamps } from './revoke-stamped.ts';

it('reads stamps as text and as what else they may mean', () => {
  expect(readStamps(['customer=42', 'customer=x', 'live=true', 'note=a=b', 'empty='])).toEqual({
    customer: ['42', 42, 'x'],
    live: ['true', true],
    note: ['a=b'],
    empty: [''],
  });
});

it.each([[undefined], [[]], ['customer'], ['=42']])('refuses %j', (given) => {
  expect(() => readStamps(given)).toThrow(/name=value/);
});
