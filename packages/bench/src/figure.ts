import { type Bar, type BenchName, bars } from './bars.ts';
import type { BenchResult } from './bench.ts';
import { medianOf, medianRatio } from './measure.ts';

/** One line of the output: a figure beside its bar. `null` where there is nothing to say. */
export interface Figure {
  readonly id: string;
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly ratio: number | null;
  readonly against: string | null;
  /** As text: `≥ 0.75 ×` a peer, or `≤ 80 ms`. */
  readonly bar: string;
  readonly holds: boolean;
  /** Why there is no value, or none to compare with. */
  readonly reason?: string;
}

/** The figures of a bench, one for each bar, in the order of the bars. */
export function figuresOf(bench: BenchName, result: BenchResult): readonly Figure[] {
  return bars.filter((bar) => bar.bench === bench).map((bar) => figureOf(bar, result));
}

/** What else was measured, for the reader: no bar is about it. */
export function peersOf(figures: readonly Figure[], { rounds }: BenchResult): Readonly<Record<string, number>> {
  const shown = new Set(figures.map(({ name }) => name));
  const names = [...new Set(rounds.flatMap((round) => [...round.keys()]))].filter((name) => !shown.has(name));
  return Object.fromEntries(names.map((name) => [name, rounded(medianOf(rounds, name) ?? 0)]));
}

function figureOf(bar: Bar, { rounds, missing = {} }: BenchResult): Figure {
  const { id, name, unit, against } = bar;
  const value = medianOf(rounds, name);
  const ratio = against === undefined ? undefined : medianRatio(rounds, name, against);
  const compared = against === undefined ? value : ratio;
  const reason = bar.missing ?? missing[name] ?? (against === undefined ? undefined : missing[against]);
  return {
    id,
    name,
    value: value === undefined ? null : rounded(value),
    unit,
    ratio: ratio === undefined ? null : rounded(ratio),
    against: against ?? null,
    bar: textOf(bar),
    holds: compared !== undefined && isWithin(bar, compared),
    ...(reason === undefined ? {} : { reason }),
  };
}

function isWithin({ limit }: Bar, value: number): boolean {
  return 'atLeast' in limit ? value >= limit.atLeast : value <= limit.atMost;
}

function textOf({ limit, against, unit }: Bar): string {
  const text = 'atLeast' in limit ? `≥ ${limit.atLeast}` : `≤ ${limit.atMost}`;
  return against === undefined ? `${text} ${unit}`.trim() : `${text} ×`;
}

/** Three significant digits: more would not come back in the next run. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
