import { describe, it } from 'vitest';
import type { Retention } from '../../driver/retention.ts';
import { defaultHistoryLimits, type HistoryLimits } from '../../history/history-store.ts';
import type { ConformanceOptions, Harness } from './harness.ts';

/** One question of the exam. */
export interface ConformanceCase<Bench> {
  readonly name: string;
  /** What the connection is to keep of work that is over. @default the driver's */
  readonly retention?: Retention;
  /** Bounds of the history that differ from the driver's. */
  readonly history?: Partial<HistoryLimits>;
  run(bench: Bench): Promise<void>;
}

/** One exam: its questions, and how the bench of a question is laid out. */
export interface Suite<Bench> {
  /** `broker`, `result backend` … */
  readonly seam: string;
  readonly createBench: (harness: Harness) => Bench;
  /** Tidies up before the harness is closed. */
  readonly closeBench?: (bench: Bench) => Promise<void>;
  readonly cases: readonly ConformanceCase<Bench>[];
}

/** Milliseconds a case may take. Leases of real stores last seconds. */
const caseTimeout = 60_000;

/** Declares the suite's cases in the vitest file that calls it. Throws when `skip` names a case that does not exist. */
export function declareSuite<Bench>(suite: Suite<Bench>, driver: string, options: ConformanceOptions): void {
  const title = `${suite.seam} conformance: ${driver}`;
  const skip = new Map(Object.entries(options.skip ?? {}));
  assertKnown(title, suite.cases, skip);
  describe(title, () => {
    for (const one of suite.cases) {
      const { name } = one;
      const reason = skip.get(name);
      if (reason === undefined) it(name, { timeout: caseTimeout }, () => runCase(suite, options, one));
      else {
        it(name, (context) => {
          process.stderr.write(`skipped: ${title} > ${name}: ${reason}\n`); // vitest's default reporter does not say it
          context.skip(reason);
        });
      }
    }
  });
}

/** A fresh harness for one case, closed whatever happens. */
async function runCase<Bench>(
  suite: Suite<Bench>,
  options: ConformanceOptions,
  { run, retention, history }: ConformanceCase<Bench>,
): Promise<void> {
  const harness = await options.open({
    ...(retention ? { retention } : {}),
    ...(history ? { history: { ...defaultHistoryLimits, ...history } } : {}),
  });
  try {
    const bench = suite.createBench(harness);
    try {
      await run(bench);
    } finally {
      await suite.closeBench?.(bench);
    }
  } finally {
    await harness.close();
  }
}

function assertKnown(title: string, cases: readonly ConformanceCase<never>[], skip: ReadonlyMap<string, string>): void {
  const names = new Set<string>();
  for (const { name } of cases) {
    if (names.has(name)) throw new Error(`${title}: two cases are called "${name}"`);
    names.add(name);
  }
  for (const [name, reason] of skip) {
    if (!names.has(name)) throw new Error(`${title}: skip names no case: "${name}"`);
    if (reason.trim() === '') throw new Error(`${title}: skipping "${name}" needs a reason`);
  }
}
