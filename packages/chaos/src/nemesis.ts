import type { Random } from './random.ts';

/** One thing the nemesis will do: once the load has come so far. */
export interface Step {
  /** When: so many runs have started. Progress, not time, so that a slow machine sees the same faults. */
  readonly afterRuns: number;
  readonly fault: string;
  /** Which process, by its place. */
  readonly target: number;
}

/** What a schedule is drawn from. */
export interface Plan {
  readonly fault: string;
  readonly count: number;
  /** How many runs the load will have. */
  readonly runs: number;
  /** How many processes there are to choose from. */
  readonly targets: number;
}

/** Draws a schedule: the faults stand in equal shares of the load, each at a random place of its share, none at the ends. */
export function drawSchedule(random: Random, { fault, count, runs, targets }: Plan): readonly Step[] {
  const first = Math.ceil(runs * 0.05);
  const share = (runs * 0.85) / count;
  return Array.from({ length: count }, (_, index) => ({
    afterRuns: first + random.between(Math.floor(index * share), Math.max(Math.floor((index + 1) * share), 1)),
    fault,
    target: random.between(0, targets),
  }));
}

/** A schedule for people: `kill #2 after 310 runs, …`. */
export function showSchedule(steps: readonly Step[]): string {
  return steps.map(({ afterRuns, fault, target }) => `${fault} #${target} after ${afterRuns} runs`).join(', ');
}
