import { paint } from './paint.ts';

/** Rows as aligned columns, under a heading, a line each whatever they hold; columns of numbers are aligned right. */
export function formatTable(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => String(cell).replaceAll('\n', '\\n')));
  const widths = heading.map((title, index) => Math.max(title.length, ...texts.map((row) => row[index]?.length ?? 0)));
  const right = heading.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] === 'number'));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (right[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return [paint('bold', line(heading), process.stdout), ...texts.map(line)].join('\n');
}
