import { describe, expect, it } from 'vitest';
import { measureRounds, median, medianOf, medianRatio, quantile } from './measure.ts';

const rounds = [
  new Map([
    ['ours', 100],
    ['theirs', 50],
  ]),
  new Map([
    ['ours', 40],
    ['theirs', 10],
  ]), // everything was slow: the ratio is not
  new Map([
    ['ours', 90],
    ['theirs', 30],
  ]),
];

describe('medians', () => {
  it('are the middle value, or lie between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeUndefined();
    expect(quantile([1, 2, 3, 4, 5], 0.99)).toBeCloseTo(4.96);
  });

  it('of a figure over the rounds', () => {
    expect(medianOf(rounds, 'ours')).toBe(90);
    expect(medianOf(rounds, 'nobody')).toBeUndefined();
  });

  it('of a ratio are taken within each round', () => {
    expect(medianRatio(rounds, 'ours', 'theirs')).toBe(3);
    expect(medianRatio(rounds, 'ours', 'nobody')).toBeUndefined();
  });
});

it('rounds interleave what they measure, and each begins with another', async () => {
  const order: string[] = [];
  const measurement = (name: string) => async () => {
    order.push(name);
    return { [name]: order.length };
  };

  const measured = await measureRounds(2, [measurement('a'), measurement('b')], () => order.push('|'));

  expect(order.join('')).toBe('ab|ba|');
  expect(measured).toEqual([
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 4],
      ['a', 5],
    ]),
  ]);
});
