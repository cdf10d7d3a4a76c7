import { describe, expect, it } from 'vitest';
import type { Entry, Kind } from './ledger.ts';
import { disorder, mostAtOnce, stretchesOf } from './tracks.ts';

const entry = (kind: Kind, key: string, run: string, at: number): Entry => ({ kind, key, run, at, wall: at });
const nthOf = (key: string): number => Number(key.slice(1));

describe('stretches of runs', () => {
  it('go to their end, to the death of their process, or on for ever', () => {
    const entries = [
      entry('START', 'k0', '7.0-1', 1),
      entry('START', 'k1', '7.0-2', 2),
      entry('START', 'k2', '8.0-1', 3),
      entry('END', 'k0', '7.0-1', 4),
      entry('FAULT', 'kill', '7', 5),
    ];
    expect(stretchesOf(entries)).toEqual([
      { key: 'k0', from: 1, to: 4 },
      { key: 'k1', from: 2, to: 5 },
      { key: 'k2', from: 3, to: Number.POSITIVE_INFINITY },
    ]);
  });

  it('are counted at their most', () => {
    const of = (from: number, to: number) => ({ key: 'k0', from, to });
    expect(mostAtOnce([of(1, 3), of(2, 5), of(3, 4), of(9, 10)])).toBe(2);
    expect(mostAtOnce([])).toBe(0);
  });

  it('overlap, or begin after a later one; one that is run again before the next is in order', () => {
    const at = (nth: number, from: number, to: number) => ({ key: `k${nth}`, from, to });
    expect(disorder([at(0, 1, 2), at(0, 3, 4), at(1, 4, 5)], nthOf)).toEqual({ overlaps: 0, inversions: 0 });
    expect(disorder([at(0, 1, 4), at(1, 3, 5)], nthOf)).toEqual({ overlaps: 1, inversions: 0 });
    expect(disorder([at(1, 1, 2), at(0, 3, 4), at(2, 5, 6), at(1, 7, 8)], nthOf)).toEqual({
      overlaps: 0,
      inversions: 2,
    });
  });
});
