import type { Bench, BenchContext } from './bench.ts';
import { rounded } from './figure.ts';
import { medianOf, type Round } from './measure.ts';
import { alignedTable } from './table.ts';
import { measureTree, ownTree } from './tree.ts';

/** One figure of this checkout beside that of another one. */
export interface Compared {
  readonly name: string;
  readonly value: number;
  readonly other: number;
  /** The median over the rounds of value / other, and the smallest and largest of them. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Runs a bench on this checkout and another one by turns, a round of each, so that what slows the machine slows both. Peers are
 * measured both times, and are the same both times: their ratio shows how much the machine alone makes of it.
 */
export async function compareTrees(bench: Bench, other: string, context: BenchContext): Promise<readonly Compared[]> {
  const { rounds: count } = context.load;
  const once = { ...context, load: { ...context.load, rounds: 1 }, say: () => {} };
  const rounds: { own: Round; other: Round }[] = [];
  const run = async (tree: string): Promise<Round> => {
    measureTree(tree);
    return (await bench(once)).rounds[0] ?? new Map();
  };
  try {
    for (let round = 1; round <= count; round += 1) {
      const first = round % 2 === 1 ? ownTree : other; // neither always follows the other
      const one = await run(first);
      const two = await run(first === ownTree ? other : ownTree);
      rounds.push(first === ownTree ? { own: one, other: two } : { own: two, other: one });
      context.say(`round ${round} of ${count}, both`);
    }
  } finally {
    measureTree(ownTree);
  }
  return comparedOf(rounds);
}

/** The figures that both have. */
export function comparedOf(rounds: readonly { readonly own: Round; readonly other: Round }[]): readonly Compared[] {
  const names = [...new Set(rounds.flatMap(({ own }) => [...own.keys()]))];
  return names.flatMap((name) => {
    const ratios = rounds.flatMap(({ own, other }) => {
      const [value, peer] = [own.get(name), other.get(name)];
      return value === undefined || !peer ? [] : [value / peer];
    });
    if (ratios.length === 0) return [];
    const ratio = medianOf(
      ratios.map((one) => new Map([[name, one]])),
      name,
    );
    const of = (side: 'own' | 'other'): number =>
      medianOf(
        rounds.map((round) => round[side]),
        name,
      ) ?? 0;
    return [
      {
        name,
        value: rounded(of('own')),
        other: rounded(of('other')),
        ratio: rounded(ratio ?? 0),
        lowest: rounded(Math.min(...ratios)),
        highest: rounded(Math.max(...ratios)),
      },
    ];
  });
}

/** As a table for people. */
export function comparisonTable(compared: readonly Compared[], other: string): string {
  const thousands = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 3 });
  const rows = compared.map(({ name, value, other: there, ratio, lowest, highest }) => [
    name,
    thousands(value),
    thousands(there),
    `${ratio} ×`,
    `${lowest}–${highest}`,
  ]);
  return alignedTable([['figure', 'here', other, 'ratio', 'of each round'], ...rows]);
}
