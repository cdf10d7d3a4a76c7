// Rounds and medians: these machines are shared, so a figure counts only beside its peer from the same run.

/** The figures of one round, by name. A name that is absent was not measured. */
export type Round = ReadonlyMap<string, number>;

/** One thing to measure; gives the figures it found. */
export type Measurement = () => Promise<Readonly<Record<string, number>>>;

/** Runs every measurement once a round, each round beginning with the next one, so that none always follows the same. */
export async function measureRounds(
  count: number,
  measurements: readonly Measurement[],
  onRound: (done: number) => void,
): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count; round += 1) {
    const figures = new Map<string, number>();
    for (let index = 0; index < measurements.length; index += 1) {
      const measurement = measurements[(round + index) % measurements.length];
      for (const [name, value] of Object.entries((await measurement?.()) ?? {})) figures.set(name, value);
    }
    rounds.push(figures);
    onRound(round + 1);
  }
  return rounds;
}

/** The median of a figure over the rounds; undefined when no round has it. */
export function medianOf(rounds: readonly Round[], name: string): number | undefined {
  return median(rounds.flatMap((round) => round.get(name) ?? []));
}

/** The median over the rounds of one figure divided by another of the same round: what slows a whole round cancels out. */
export function medianRatio(rounds: readonly Round[], name: string, against: string): number | undefined {
  return median(
    rounds.flatMap((round) => {
      const [value, peer] = [round.get(name), round.get(against)];
      return value === undefined || !peer ? [] : [value / peer];
    }),
  );
}

export function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}

/** The value below which that share of the values lies; undefined for none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (at % 1);
}
