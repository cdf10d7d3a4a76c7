// Every bench starts and prints its lines. What they measure on so small a load means nothing.
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, type TestContext } from 'vitest';
import { type BenchName, bars } from '../src/bars.ts';
import type { Figure } from '../src/figure.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const names = [...new Set(bars.map(({ bench }) => bench))];
const maxWait = 120_000;

it.for(names)('%s prints a line for each of its bars', { timeout: maxWait }, async (name, context) => {
  needRedis(context);
  const figures = await runBench(name);
  const expected = bars.filter(({ bench }) => bench === name);

  expect(figures.map(({ id, name: figure, against }) => [id, figure, against])).toEqual(
    expected.map(({ id, name: figure, against }) => [id, figure, against ?? null]),
  );
  for (const [index, figure] of figures.entries()) {
    expect(Object.keys(figure)).toEqual(
      expect.arrayContaining(['id', 'name', 'value', 'unit', 'ratio', 'against', 'bar', 'holds']),
    );
    const { missing } = expected[index]!;
    if (missing === undefined) expect(figure.value, figure.name).toEqual(expect.any(Number));
    else expect(figure).toMatchObject({ value: null, holds: false, reason: missing });
  }
});

it('scale, which has no bar, prints what it measured', { timeout: maxWait }, async (context) => {
  needRedis(context);
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'scale', '--tiny']);
  for (const processes of ['1 process', '2 processes', '4 processes']) expect(stdout).toContain(`run by ${processes}`);
});

it('says how it is used when it is asked for what it does not have', () => {
  const { status, stderr } = spawnSync(process.execPath, [main, 'speed'], { encoding: 'utf8' });

  expect(status).toBe(2);
  expect(stderr).toContain('usage: npm run bench -- <name>');
  for (const name of names) expect(stderr).toContain(name);
});

/** Without redis-server: skipped with that reason, or failed where the machine must have every part. */
function needRedis(context: TestContext): void {
  if (spawnSync('redis-server', ['--version']).status === 0) return;
  if (process.env['LOVAGE_REQUIRE_PARTS']) throw new Error('redis-server is missing on this machine');
  context.skip('redis-server is missing on this machine');
}

async function runBench(name: BenchName): Promise<readonly Figure[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, name, '--json', '--tiny']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
