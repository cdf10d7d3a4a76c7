/** A horizontal bar chart as SVG text: one group of bars per unit, longest value full width. */
export interface ChartBar {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Ours is coloured, peers are grey. */
  readonly ours: boolean;
}

const width = 860;
const labelWidth = 400;
const barWidth = 340;
const rowHeight = 26;

export function drawChart(title: string, footer: string, bars: readonly ChartBar[]): string {
  const units = [...new Set(bars.map(({ unit }) => unit))];
  const rows: string[] = [];
  let y = 64;
  for (const unit of units) {
    const group = bars.filter((bar) => bar.unit === unit);
    const longest = Math.max(...group.map(({ value }) => value), Number.MIN_VALUE);
    for (const bar of group) {
      rows.push(drawBar(bar, y, Math.max(1, (bar.value / longest) * barWidth)));
      y += rowHeight;
    }
    y += 14;
  }
  const height = y + 28;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="16" y="34" font-size="18" font-weight="600">${escapeXml(title)}</text>`,
    ...rows,
    `<text x="16" y="${height - 14}" font-size="11" fill="#666666">${escapeXml(footer)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ name, value, unit, ours }: ChartBar, y: number, length: number): string {
  const figure = `${value.toLocaleString('en', { maximumFractionDigits: 2 })} ${unit}`.trim();
  return [
    `<text x="${labelWidth - 10}" y="${y + 14}" text-anchor="end">${escapeXml(name)}</text>`,
    `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="18" rx="3" fill="${ours ? '#3f7d20' : '#b8bdb5'}"/>`,
    `<text x="${(labelWidth + length + 8).toFixed(1)}" y="${y + 14}" fill="#333333">${escapeXml(figure)}</text>`,
  ].join('\n');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
