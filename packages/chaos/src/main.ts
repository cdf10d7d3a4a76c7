// `npm run chaos -- fuzz [redis|bus|pool|all] [--seed n] [--count n] [--from batch]`: see fuzz/fuzz.ts; and
// `npm run chaos -- <scenario>|all [--seed n] [--seeds n] [--tasks n] [--driver redis|redis+streams] [--short] [--without protection] [--json]`
import { parseArgs } from 'node:util';
import type { DriverName } from './arena.ts';
import { showFigures } from './figure.ts';
import { runFuzzers } from './fuzz/command.ts';
import { runTrial, type Scenario, type Trial } from './scenario.ts';
import { scenarios } from './scenarios/all.ts';

const drivers: readonly DriverName[] = ['redis', 'redis+streams'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    tasks: { type: 'string' },
    count: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
    driver: { type: 'string' },
    without: { type: 'string' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130)); // and its children with it
process.exitCode = await main();

async function main(): Promise<number> {
  const driver = drivers.find((name) => name === (values.driver ?? 'redis'));
  if (positionals[0] === 'fuzz') return runFuzzers(positionals[1] ?? 'all', values);
  const chosen = choose(positionals[0]);
  if (driver === undefined || chosen.length === 0) return usage();
  const trials: Trial[] = [];
  for (const scenario of chosen) {
    if (scenario.drivers && !scenario.drivers.includes(driver)) continue;
    for (let turn = 0; turn < Number(values.seeds); turn += 1) {
      trials.push(await runOnce(scenario, driver, Number(values.seed) + turn));
    }
  }
  return trials.every(({ broken }) => broken.length === 0) ? 0 : 1;
}

function choose(name: string | undefined): readonly Scenario[] {
  return name === 'all' ? scenarios : scenarios.filter((scenario) => scenario.name === name);
}

function usage(): number {
  const names = scenarios.map(({ name, title, controls }) => {
    const without = controls.map(({ sabotage }) => sabotage).join(', ');
    return `  ${name.padEnd(20)} ${title}${without ? ` (--without ${without})` : ''}`;
  });
  process.stderr.write(
    `usage: npm run chaos -- fuzz [redis|bus|pool|all] [--seed n] [--count n] [--from batch] [--driver ${drivers.join('|')}]\n` +
      `       npm run chaos -- <scenario>|all [--seed n] [--seeds n] [--tasks n] [--driver ${drivers.join('|')}]\n` +
      `         [--without protection] [--short] [--json] [--quiet]\n${names.join('\n')}\n`,
  );
  return 2;
}

async function runOnce(scenario: Scenario, driver: DriverName, seed: number): Promise<Trial> {
  const say = values.quiet || values.json ? undefined : (line: string) => void process.stderr.write(`    ${line}\n`);
  const tasks = values.tasks === undefined ? {} : { tasks: Number(values.tasks) };
  const trial = await runTrial(scenario, {
    seed,
    driver,
    short: values.short,
    sabotage: values.without,
    say,
    ...tasks,
  });
  process.stdout.write(values.json ? `${JSON.stringify(trial)}\n` : `${show(trial)}\n`);
  return trial;
}

function show({ scenario, driver, seed, tasks, sabotage, seconds, figures, broken }: Trial): string {
  const without = sabotage ? `, without ${sabotage}` : '';
  const verdict = broken.length === 0 ? 'holds' : `BROKEN: ${broken.join(', ')}`;
  const head = `${scenario} (${driver}, seed ${seed}, ${tasks} tasks${without}): ${verdict}, ${seconds} s`;
  return `${head}\n${showFigures(figures)}`;
}
