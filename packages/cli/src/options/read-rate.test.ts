import { expect, it } from 'vitest';
import { readRate } from './read-rate.ts';

it.each([
  ['10/s', '10/s'],
  ['2.5', '2.5/s'],
  ['5/h', '5/h'],
  [undefined, undefined],
])('reads %j as %j', (text, rate) => expect(readRate(text, '--rate')).toBe(rate));

it.each(['', 'fast', '0/s', '-1/s', '10/w', '10 /s'])('refuses %j', (text) => {
  expect(() => readRate(text, '--rate')).toThrow(/^--rate: ".*" is not a rate: write 10\/s/);
});
