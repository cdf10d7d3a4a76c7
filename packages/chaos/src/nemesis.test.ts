import { expect, it } from 'vitest';
import { drawSchedule, showSchedule } from './nemesis.ts';
import { createRandom } from './random.ts';

const plan = { fault: 'kill', count: 10, runs: 10_000, targets: 4 };

it('draws the same schedule from the same seed, and another from another', () => {
  const draw = (seed: number): string => showSchedule(drawSchedule(createRandom(seed), plan));
  expect(draw(7)).toBe(draw(7));
  expect(draw(7)).not.toBe(draw(8));
  expect(draw(0)).toBe(draw(1)); // xorshift has no state zero
});

it('spreads the faults over the load, and over the processes', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const steps = drawSchedule(createRandom(seed), plan);
    expect(steps.map(({ afterRuns }) => afterRuns)).toEqual(
      steps.map(({ afterRuns }) => afterRuns).sort((one, other) => one - other),
    );
    expect(steps[0]?.afterRuns).toBeGreaterThanOrEqual(500);
    expect(steps.at(-1)?.afterRuns).toBeLessThan(9_001);
    expect(steps.every(({ target }) => target >= 0 && target < 4)).toBe(true);
  }
});

it('the numbers of a seed are spread evenly', () => {
  const random = createRandom(3);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw += 1) {
    const place = random.between(0, 10);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1_150);
});
