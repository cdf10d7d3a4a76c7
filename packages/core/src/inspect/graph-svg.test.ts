import { expect, it } from 'vitest';
import type { TaskGraph } from '../results/task-graph.ts';
import { renderGraph } from './task-graph.ts';

const graph: TaskGraph = {
  nodes: [
    { id: 'a', kind: 'group', state: 'PENDING', size: 2 },
    { id: 'a.0', kind: 'task', task: 'shop.<a & "b">', state: 'FAILURE', group: 'a' },
    { id: 'b', kind: 'task', task: 'a.name.that.is.longer.than.any.box.would.be', state: 'REVOKED' },
    { id: 'c', kind: 'task', task: 'tell', state: 'SENT' },
  ],
  edges: [
    { from: 'a', to: 'a.0', kind: 'member' },
    { from: 'a', to: 'b', kind: 'next' },
    { from: 'b', to: 'c', kind: 'error' },
  ],
};

it('draws every node with its state inside its box, escaped, and callbacks as what they are', () => {
  const svg = renderGraph(graph, 'svg');
  expect(svg).toContain('shop.&lt;a &amp; &quot;b&quot;&gt;');
  expect(svg).toContain('>on error: tell<');
  expect(svg.match(/<g>/g)).toHaveLength(4);
  expect(svg.match(/marker-end/g)).toHaveLength(3);
  expect(svg.match(/stroke-dasharray="5 4" marker-end/g)).toHaveLength(1);
  for (const [, x, width, badge] of svg.matchAll(
    /<rect x="(\d+)" y="\d+" width="(\d+)" height="34".*?<rect x="(\d+)"/g,
  )) {
    expect(Number(badge)).toBeLessThan(Number(x) + Number(width));
  }
  const longest = /<rect x="20" y="\d+" width="(\d+)" height="34"[^>]*\/><text[^>]*>a\.name/.exec(svg)?.[1];
  expect(Number(longest)).toBeGreaterThan(43 * 7); // the title's own width
});
