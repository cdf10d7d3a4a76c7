import { expect, it } from 'vitest';
import { readAutoscale } from './read-autoscale.ts';

it('reads max and min, in this order', () => {
  expect(readAutoscale(['16', ' 2'], '--autoscale')).toEqual({ max: 16, min: 2 });
  expect(readAutoscale(['16'], '--autoscale')).toEqual({ max: 16, min: 1 });
});

it.each([
  [['2', '16'], /^--autoscale: min 16 is above max 2$/],
  [['x'], /^--autoscale: max: expected a whole number from 1, received "x"$/],
  [['3', '0'], /^--autoscale: min: expected a whole number from 1/],
  [['3', '2', '1'], /^--autoscale: expected max,min, such as 16,2$/],
])('refuses %j', (parts, problem) => expect(() => readAutoscale(parts, '--autoscale')).toThrow(problem));
