import { existsSync } from 'node:fs';
import { afterAll, expect } from 'vitest';
import type { DriverName } from '../src/arena.ts';
import { showFigures } from '../src/figure.ts';
import { appFile, bin } from '../src/paths.ts';
import { endChildren } from '../src/processes/children.ts';
import { runTrial, type Scenario } from '../src/scenario.ts';
import { scenarios } from '../src/scenarios/all.ts';

afterAll(endChildren); // a trial that was given up would leave its servers and workers behind

/** The short form of a scenario, whose figures must hold. */
export async function holds(name: string, driver: DriverName = 'redis'): Promise<void> {
  const { broken, figures } = await runTrial(find(name), { short: true, driver });
  expect(broken, `${name}:\n${showFigures(figures)}`).toEqual([]);
}

/** The same without a protection, which must break the figure that the protection is for: else the check is blind. */
export async function breaks(name: string, sabotage: string, figure: string): Promise<void> {
  const { broken, figures } = await runTrial(find(name), { short: true, sabotage });
  expect(broken, `${name} without ${sabotage}:\n${showFigures(figures)}`).toContain(figure);
}

function find(name: string): Scenario {
  for (const file of [bin, appFile]) if (!existsSync(file)) throw new Error('build first: npx tsc -b');
  const scenario = scenarios.find((known) => known.name === name);
  if (!scenario) throw new Error(`no scenario ${name}`);
  return scenario;
}
