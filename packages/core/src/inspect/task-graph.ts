import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { type GraphNode, readGraph, type TaskGraph } from '../results/task-graph.ts';

/** The canvas that a task belongs to, with live states, from any id in it. */
export async function graphOf(app: Lovage, id: string): Promise<TaskGraph> {
  return readGraph(await runtimeOf(app).results.stores(), id);
}

/** How a graph is written down. */
export type GraphFormat = 'text' | 'mermaid' | 'json' | 'svg';

/** The graph as text for people, as a mermaid flowchart, as JSON, or as a drawing. */
export function renderGraph(graph: TaskGraph, format: GraphFormat): string {
  switch (format) {
    case 'text':
      return renderText(graph);
    case 'mermaid':
      return renderMermaid(graph);
    case 'json':
      return JSON.stringify(graph, undefined, 2);
    case 'svg':
      return renderSvg(graph);
    default:
      return format satisfies never;
  }
}

function titleOf({ kind, task, size, state }: GraphNode): string {
  return `${kind === 'group' ? `group of ${size ?? '?'}` : (task ?? '?')} ${state}`;
}

/** How deep each node stands: inside a group, or under what it was called by, one deeper. */
function depths({ nodes, edges }: TaskGraph): ReadonlyMap<string, number> {
  const depth = new Map<string, number>(nodes.map(({ id }) => [id, 0]));
  for (let round = 0; round < nodes.length; round++) {
    let changed = false;
    for (const { from, to, kind } of edges) {
      const wanted = (depth.get(from) ?? 0) + (kind === 'next' ? 0 : 1);
      if ((depth.get(to) ?? 0) >= wanted) continue;
      depth.set(to, wanted);
      changed = true;
    }
    if (!changed) break;
  }
  return depth;
}

function renderText(graph: TaskGraph): string {
  const depth = depths(graph);
  return ordered(graph)
    .map((node) => `${'  '.repeat(depth.get(node.id) ?? 0)}${titleOf(node)}  ${node.id}`)
    .join('\n');
}

/** Every node after what leads to it, groups with their members before what follows them. */
function ordered({ nodes, edges }: TaskGraph): readonly GraphNode[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const done = new Set<string>();
  const list: GraphNode[] = [];
  const visit = (id: string): void => {
    const node = byId.get(id);
    if (node === undefined || done.has(id)) return;
    done.add(id);
    list.push(node);
    for (const inner of edges) if (inner.from === id && inner.kind !== 'next') visit(inner.to);
    for (const following of edges) if (following.from === id && following.kind === 'next') visit(following.to);
  };
  const targets = new Set(edges.map(({ to }) => to));
  for (const { id } of nodes) if (!targets.has(id)) visit(id);
  for (const { id } of nodes) visit(id);
  return list;
}

function renderMermaid({ nodes, edges }: TaskGraph): string {
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const arrows = {
    next: '-->',
    member: '-.->',
    link: '-- link -->',
    error: '-- error -->',
    replaced: '== replaced ==>',
  };
  return [
    'flowchart LR',
    ...nodes.map((node) => `  ${names.get(node.id)}["${titleOf(node).replaceAll('"', "'")}"]:::${node.state}`),
    ...edges.map(({ from, to, kind }) => `  ${names.get(from)} ${arrows[kind]} ${names.get(to)}`),
    '  classDef SUCCESS fill:#d3f9d8',
    '  classDef FAILURE fill:#ffe3e3',
    '  classDef REVOKED fill:#fff3bf',
  ].join('\n');
}

const box = { width: 260, height: 34, indent: 36, gap: 14, margin: 16 };
const fills: Readonly<Record<string, string>> = { SUCCESS: '#d3f9d8', FAILURE: '#ffe3e3', REVOKED: '#fff3bf' };

/** One row a node, indented as the text; lines from each node to what it leads to. */
function renderSvg(graph: TaskGraph): string {
  const depth = depths(graph);
  const rows = ordered(graph);
  const places = new Map(
    rows.map(({ id }, row) => [
      id,
      { x: box.margin + (depth.get(id) ?? 0) * box.indent, y: box.margin + row * (box.height + box.gap) },
    ]),
  );
  const width = box.width + 2 * box.margin + box.indent * Math.max(0, ...depth.values());
  const height = 2 * box.margin + rows.length * (box.height + box.gap);
  const lines = graph.edges.map(({ from, to }) => {
    const [start, end] = [places.get(from) ?? { x: 0, y: 0 }, places.get(to) ?? { x: 0, y: 0 }];
    const [x, y] = [start.x + 10, start.y + box.height];
    return `<path d="M${x} ${y}V${end.y + box.height / 2}H${Math.max(end.x, x)}" fill="none" stroke="#868e96"/>`;
  });
  const boxes = rows.map((node) => {
    const { x, y } = places.get(node.id) ?? { x: 0, y: 0 };
    const fill = fills[node.state] ?? '#f1f3f5';
    return (
      `<g><title>${escapeXml(node.id)}</title><rect x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6" ` +
      `fill="${fill}" stroke="#495057"/><text x="${x + 12}" y="${y + 22}">${escapeXml(titleOf(node))}</text></g>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="13">`,
    ...lines,
    ...boxes,
    '</svg>',
  ].join('\n');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
