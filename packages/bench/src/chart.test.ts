import { expect, it } from 'vitest';
import { drawChart } from './chart.ts';

it('draws a bar for each figure, to scale within its group, and escapes names', () => {
  const svg = drawChart('A & B', '<footer>', [
    { name: 'ours', group: 'rates', value: 200, unit: 'tasks/s', ours: true },
    { name: 'theirs', group: 'rates', value: 100, unit: 'tasks/s', ours: false },
    { name: 'other unit', group: 'a < b', value: 3, unit: 'ms', ours: true },
  ]);

  expect(svg).toMatch(/^<svg [^>]*>\n/);
  expect([...svg.matchAll(/width="([\d.]+)" height="18"/g)].map(([, width]) => Number(width))).toEqual([330, 165, 330]);
  expect(svg).toContain('A &amp; B');
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('&lt;footer&gt;');
  expect(svg).toContain('>200 tasks/s<');
  expect(svg.endsWith('</svg>\n')).toBe(true);
});
