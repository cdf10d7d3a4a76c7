// `npm run chaos -- fuzz [redis|bus|pool|all]`: prints what did not hold, and how to see it again.
import type { DriverName } from '../arena.ts';
import { type FuzzTarget, fuzz, fuzzTargets } from './fuzz.ts';

/** Flags as they were given. */
export interface FuzzFlags {
  readonly seed: string;
  readonly count: string;
  readonly from: string;
  /** @default both */
  readonly driver?: string | undefined;
}

/** Runs the fuzzers; gives the exit code: 1 when something did not hold, 2 for what it does not understand. */
export async function runFuzzers(target: string, { seed, count, from, driver }: FuzzFlags): Promise<number> {
  const targets = fuzzTargets.filter((name) => target === 'all' || name === target);
  const drivers = (['redis', 'redis+streams'] as const).filter((name) => driver === undefined || name === driver);
  const numbers = { seed: Number(seed), count: Number(count), from: Number(from) };
  if (targets.length === 0 || drivers.length === 0 || !Object.values(numbers).every(Number.isSafeInteger)) {
    process.stderr.write(
      'usage: npm run chaos -- fuzz [redis|bus|pool|all] [--seed n] [--count n] [--from batch] [--driver d]\n',
    );
    return 2;
  }
  let defects = 0;
  for (const name of targets) for (const on of drivers) defects += await runOne(name, on, numbers);
  return defects === 0 ? 0 : 1;
}

async function runOne(
  target: FuzzTarget,
  driver: DriverName,
  numbers: { readonly seed: number; readonly count: number; readonly from: number },
): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`    ${line}\n`);
  const { mutations, defects } = await fuzz({ target, driver, ...numbers, say });
  const verdict = defects.length === 0 ? 'holds' : `BROKEN after ${defects.length} batches`;
  process.stdout.write(`fuzz ${target} (${driver}, seed ${numbers.seed}, ${mutations} mutations): ${verdict}\n`);
  for (const { batch, problem, stays, written, log } of defects) {
    const again = `npm run chaos -- fuzz ${target} --driver ${driver} --seed ${numbers.seed} --from ${batch} --count 50`;
    const lines = [`  batch ${batch}: ${problem}${stays ? ' (stays)' : ''}`, `  again: ${again}`];
    process.stdout.write(
      `${[...lines, `  written: ${JSON.stringify(written).slice(0, 20_000)}`, `  log: ${log}`].join('\n')}\n`,
    );
  }
  return defects.length;
}
