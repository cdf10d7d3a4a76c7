import type { Figure } from './figure.ts';

/** The figures as a table for people. */
export function tableOf(figures: readonly Figure[], peers: Readonly<Record<string, number>>): string {
  const head = ['id', 'figure', 'value', 'ratio', 'against', 'bar', 'holds'];
  const rows = figures.map((figure) => [
    figure.id,
    figure.name,
    figure.value === null ? '–' : `${thousands(figure.value)} ${figure.unit}`.trim(),
    figure.ratio === null ? '' : `${figure.ratio} ×`,
    figure.against ?? '',
    figure.bar,
    figure.holds ? 'yes' : figure.reason ? `no: ${figure.reason}` : 'NO',
  ]);
  const table = alignedTable([head, ...rows]);
  const others = Object.entries(peers).map(([name, value]) => [name, thousands(value)]);
  return others.length === 0 ? table : `${table}\n\n${alignedTable([['peer', 'value'], ...others])}`;
}

/** Columns side by side. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function thousands(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 });
}
