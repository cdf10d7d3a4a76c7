// Each protection taken away must break its figure: a check that sees nothing then would prove nothing.
import { describe, it } from 'vitest';
import { scenarios } from '../src/scenarios/all.ts';
import { breaks } from './trial.ts';

const controls = scenarios
  .filter(({ longOnly }) => !longOnly)
  .flatMap(({ name, controls }) => controls.map(({ sabotage, breaks: figure }) => [name, sabotage, figure] as const));

// Side by side: they wait for leases more than they work, and no time is measured.
describe('without its protection', { timeout: 90_000, concurrent: true }, () => {
  it.each(controls)('%s without %s breaks “%s”', (name, sabotage, figure) => breaks(name, sabotage, figure));
});
