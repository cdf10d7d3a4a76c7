import { Arena, type ArenaOptions, type DriverName } from './arena.ts';
import { broken, type Figure } from './figure.ts';

/** A trial without a protection, which must break these figures. */
export interface Control {
  readonly sabotage: string;
  readonly breaks: string;
}

/** One row of the fault table. */
export interface Scenario {
  readonly name: string;
  /** The fault, and what it must not do. */
  readonly title: string;
  /** How many tasks: in the suite, and by command. */
  readonly tasks: { readonly short: number; readonly long: number };
  /** The drivers it applies to. @default both */
  readonly drivers?: readonly DriverName[];
  /** It has no short form. */
  readonly longOnly?: boolean;
  readonly controls: readonly Control[];
  run(arena: Arena): Promise<readonly Figure[]>;
}

/** What one trial came to. */
export interface Trial {
  readonly scenario: string;
  readonly driver: DriverName;
  readonly seed: number;
  readonly tasks: number;
  readonly sabotage?: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  readonly broken: readonly string[];
}

/** Runs a scenario once, and ends whatever it started. */
export async function runTrial(scenario: Scenario, options: Partial<ArenaOptions> = {}): Promise<Trial> {
  const { short = false, seed = 1, driver = 'redis', sabotage } = options;
  const tasks = options.tasks ?? (short ? scenario.tasks.short : scenario.tasks.long);
  const began = performance.now();
  const arena = new Arena({ ...options, short, seed, driver, tasks });
  try {
    const figures = await scenario.run(arena);
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    const what = { scenario: scenario.name, driver, seed, tasks, ...(sabotage ? { sabotage } : {}) };
    return { ...what, seconds, figures, broken: broken(figures) };
  } finally {
    await arena.close();
  }
}
