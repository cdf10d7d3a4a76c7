import type { Call } from '../load.ts';
import type { Random } from '../random.ts';

/** Calls of `work`, each of a length between `low` and `high` milliseconds. */
export function workCalls(random: Random, count: number, [low, high]: readonly [number, number]): readonly Call[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `k${index}`,
    task: 'work',
    args: [random.between(low, high)],
  }));
}
