import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { visible } from '../options/visible.ts';
import { type GraphNode, readGraph, type TaskGraph } from '../results/task-graph.ts';
import { type OutlineRow, renderSvg } from './graph-svg.ts';

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
      return renderSvg(graph, outline(graph));
    default:
      return format satisfies never;
  }
}

function titleOf({ kind, task, size, state }: GraphNode): string {
  return visible(`${kind === 'group' ? `group of ${size ?? '?'}` : (task ?? '?')} ${state}`).replaceAll('\n', '\\n');
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
  return outline(graph)
    .map(({ node, depth }) => `${'  '.repeat(depth)}${titleOf(node)}  ${visible(node.id)}`)
    .join('\n');
}

function outline(graph: TaskGraph): readonly OutlineRow[] {
  const depth = depths(graph);
  return ordered(graph).map((node) => ({ node, depth: depth.get(node.id) ?? 0 }));
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
