import { describe, expect, it } from 'vitest';
import { erlangB, erlangC, meanWait, slotsFor, waitQuantile } from './erlang.ts';

describe("Erlang's formulas", () => {
  // textbook values: B(c, a) and C(c, a) of published tables
  it.each([
    [1, 0.5, 0.333333, 0.5],
    [2, 1, 0.2, 0.333333],
    [3, 2, 0.210526, 0.444444],
    [10, 8, 0.121661, 0.40918],
    [20, 15, 0.045593, 0.160431],
    [100, 90, 0.026957, 0.216962],
  ])('with %i slots and a load of %d agree with the tables', (slots, load, b, c) => {
    expect(erlangB(slots, load)).toBeCloseTo(b, 4);
    expect(erlangC(slots, load)).toBeCloseTo(c, 4);
  });

  it('hold for tens of thousands of slots, where factorials and powers overflow', () => {
    // Halfin and Whitt's limit: with load = c - beta * sqrt(c), C tends to 1 / (1 + sqrt(2 pi) beta Phi(beta) exp(beta²/2))
    const beta = 1;
    const limit = 1 / (1 + Math.sqrt(2 * Math.PI) * beta * 0.841345 * Math.exp(beta ** 2 / 2));
    const slots = 40_000;
    expect(erlangC(slots, slots - beta * Math.sqrt(slots))).toBeCloseTo(limit, 2);
    expect(erlangC(100_000, 10)).toBe(0);
    expect(erlangB(1, 1e9)).toBeCloseTo(1, 6);
  });

  it('give the waits of one slot (M/M/1) in closed form', () => {
    const model = { slots: 1, arrivalRate: 8, serviceTime: 100 };
    expect(meanWait(model)).toBeCloseTo(400, 6);
    expect(waitQuantile(model, 0.95)).toBeCloseTo((Math.log(0.8 / 0.05) * 100) / 0.2, 6);
    expect(waitQuantile({ ...model, arrivalRate: 0.1 }, 0.95)).toBe(0);
  });

  it('know no wait where slots cannot keep up', () => {
    const model = { slots: 2, arrivalRate: 20, serviceTime: 100 };
    expect([erlangC(2, 2), meanWait(model), waitQuantile(model, 0.5)]).toEqual([
      1,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('name the fewest slots for a target', () => {
    const flow = { arrivalRate: 100, serviceTime: 150 };
    for (const target of [0, 10, 200, 5_000]) {
      const slots = slotsFor(flow, target, 0.95);
      expect(waitQuantile({ ...flow, slots }, 0.95)).toBeLessThanOrEqual(target);
      expect(waitQuantile({ ...flow, slots: slots - 1 }, 0.95)).toBeGreaterThan(target);
    }
    expect(slotsFor({ arrivalRate: 0, serviceTime: 150 }, 0, 0.95)).toBe(1);
  });
});
