// `npm run house`: how the sources stand against the bounds that keep them easy to live in. Exits with 1 when one is passed.
import { measureHouse, readSources, verdictOf } from './house-measures.ts';
import { measurePath } from './house-path.ts';

const measures = [...measureHouse(readSources()), await measurePath()];
const rows = measures.map((measure) => [
  measure.name,
  String(measure.value),
  String(measure.bound),
  String(measure.wanted),
  verdictOf(measure),
]);
const table = [['measure', 'today', 'bound', 'wanted', ''], ...rows];
const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
for (const row of table)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );

if (process.argv.includes('--worst')) {
  for (const { name, worst } of measures) {
    if (worst.length === 0) continue;
    console.log(`\n${name}`);
    for (const line of worst) console.log(`  ${line}`);
  }
}
if (measures.some((measure) => verdictOf(measure) === 'WORSE')) process.exitCode = 1;
