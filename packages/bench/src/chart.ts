/** A horizontal bar chart as SVG text: bars of one group stand together, the longest of each at full width. */
export interface ChartBar {
  readonly name: string;
  /** What is compared, as the group's heading. */
  readonly group: string;
  readonly value: number;
  readonly unit: string;
  /** Ours is coloured, peers are grey. */
  readonly ours: boolean;
}

const width = 860;
const labelWidth = 390;
const barWidth = 330;
const rowHeight = 26;
const colours = { ours: '#3f7d20', theirs: '#b8bdb5' };

export function drawChart(title: string, footer: string, bars: readonly ChartBar[]): string {
  const rows: string[] = [];
  let y = 56;
  for (const name of new Set(bars.map(({ group }) => group))) {
    const group = bars.filter((bar) => bar.group === name);
    const longest = Math.max(...group.map(({ value }) => value), Number.MIN_VALUE);
    rows.push(`<text x="16" y="${y + 12}" font-weight="600" fill="#333333">${escapeXml(name)}</text>`);
    y += rowHeight;
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
    drawKey('Lovage', colours.ours, width - 180),
    drawKey('others', colours.theirs, width - 90),
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
    `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="18" rx="3" fill="${ours ? colours.ours : colours.theirs}"/>`,
    `<text x="${(labelWidth + length + 8).toFixed(1)}" y="${y + 14}" fill="#333333">${escapeXml(figure)}</text>`,
  ].join('\n');
}

/** What a colour stands for. */
function drawKey(name: string, colour: string, x: number): string {
  return `<rect x="${x}" y="22" width="12" height="12" rx="3" fill="${colour}"/><text x="${x + 18}" y="33">${name}</text>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
