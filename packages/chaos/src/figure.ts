/** A measured number and what it is to be. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `at most 0`, `at least 20`; none: it is told, not judged. */
  readonly bar?: Bar;
  readonly unit?: string;
}

/** What a figure is to be. */
export interface Bar {
  readonly kind: 'at most' | 'at least';
  readonly value: number;
}

/** At most this. */
export function atMost(name: string, value: number, most: number, unit?: string): Figure {
  return { name, value, bar: { kind: 'at most', value: most }, ...(unit ? { unit } : {}) };
}

/** At least this. */
export function atLeast(name: string, value: number, least: number, unit?: string): Figure {
  return { name, value, bar: { kind: 'at least', value: least }, ...(unit ? { unit } : {}) };
}

/** Told, not judged. */
export function info(name: string, value: number, unit?: string): Figure {
  return { name, value, ...(unit ? { unit } : {}) };
}

/** Whether it is what it is to be. What could not be measured (NaN) is not. */
export function holds({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  return bar.kind === 'at most' ? value <= bar.value : value >= bar.value;
}

/** The names of those that are not what they are to be. */
export function broken(figures: readonly Figure[]): readonly string[] {
  return figures.filter((figure) => !holds(figure)).map(({ name }) => name);
}

/** The largest of these; 0 of none. */
export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** The value that this share of the values does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0;
}

const rounded = (value: number): string => String(Math.round(value * 100) / 100);

/** One line each: figure, value, bar, whether it holds. */
export function showFigures(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, value, bar, unit = '' } = figure;
    const wanted = bar === undefined ? '' : `${bar.kind} ${rounded(bar.value)} ${unit}`.trim();
    const verdict = bar === undefined ? '' : holds(figure) ? 'holds' : 'BROKEN';
    return [name, `${rounded(value)} ${unit}`.trim(), wanted, verdict] as const;
  });
  const widths = [0, 1, 2].map((column) => largest(rows.map((row) => row[column as 0]?.length ?? 0)));
  const pad = (text: string, column: number): string => text.padEnd(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join('  ')}`.trimEnd()).join('\n');
}
