import { visible } from '../options/visible.ts';
import type { GraphEdge, GraphNode, TaskGraph } from '../results/task-graph.ts';

/** A node with its place in the outline. */
export interface OutlineRow {
  readonly node: GraphNode;
  /** How deep it stands: members in their groups, callbacks under what calls them. */
  readonly depth: number;
}

const box = { height: 34, indent: 40, gap: 16, margin: 20, padding: 14 };
/** Widths of a character, in pixels: of the title, and of the state in its badge. */
const wide = { title: 7.6, badge: 6.6 };
/** Where the lines leave a box, from its left. */
const spine = 18;

interface Colours {
  readonly fill: string;
  readonly ink: string;
}

const colours: Readonly<Record<string, Colours>> = {
  SUCCESS: { fill: '#d3f9d8', ink: '#2b8a3e' },
  FAILURE: { fill: '#ffe3e3', ink: '#c92a2a' },
  REVOKED: { fill: '#fff3bf', ink: '#e67700' },
  RETRY: { fill: '#ffe8cc', ink: '#d9480f' },
  STARTED: { fill: '#d0ebff', ink: '#1864ab' },
  RECEIVED: { fill: '#d0ebff', ink: '#1864ab' },
};
const waiting: Colours = { fill: '#f1f3f5', ink: '#495057' };

/** What a box says before its name, by the line that leads to it. */
const roles: Readonly<Partial<Record<GraphEdge['kind'], string>>> = {
  link: 'link: ',
  error: 'on error: ',
  replaced: 'in its place: ',
};

interface Drawn extends OutlineRow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly title: string;
}

/** The outline as a drawing: a box a row with its state, lines to what it leads to; callbacks dashed. */
export function renderSvg({ edges }: TaskGraph, rows: readonly OutlineRow[]): string {
  const kinds = new Map(edges.map(({ to, kind }) => [to, kind]));
  const drawn = rows.map((row, index) => place(row, index, kinds.get(row.node.id)));
  const at = new Map(drawn.map((one) => [one.node.id, one]));
  const width = Math.max(0, ...drawn.map((one) => one.x + one.width)) + box.margin;
  const height = 2 * box.margin + rows.length * (box.height + box.gap) - box.gap;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#868e96"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...edges.map((edge) => drawEdge(edge, at)),
    ...drawn.map(drawBox),
    '</svg>',
  ].join('\n');
}

function place({ node, depth }: OutlineRow, row: number, kind: GraphEdge['kind'] | undefined): Drawn {
  const name = node.kind === 'group' ? `group of ${node.size ?? '?'}` : (node.task ?? '?');
  const title = `${kind ? (roles[kind] ?? '') : ''}${name}`;
  const width = Math.ceil(title.length * wide.title + badgeWidth(node) + 3 * box.padding);
  const [x, y] = [box.margin + depth * box.indent, box.margin + row * (box.height + box.gap)];
  return { node, depth, x, y, width: Math.max(180, width), title };
}

function badgeWidth({ state }: GraphNode): number {
  return Math.ceil(state.length * wide.badge) + 14;
}

/** What comes next stands below, at the same depth; members and callbacks stand below and to the right. */
function drawEdge({ from, to, kind }: GraphEdge, at: ReadonlyMap<string, Drawn>): string {
  const [start, end] = [at.get(from), at.get(to)];
  if (start === undefined || end === undefined) return '';
  const [x, y] = [start.x + spine, start.y + box.height];
  const isBelow = kind === 'next' && end.x === start.x;
  const path = isBelow ? `M${x} ${y}V${end.y - 1}` : `M${x} ${y}V${end.y + box.height / 2}H${end.x - 1}`;
  const dashed = kind in roles ? ' stroke-dasharray="5 4"' : '';
  return `<path d="${path}" fill="none" stroke="#868e96" stroke-width="1.3"${dashed} marker-end="url(#arrow)"/>`;
}

function drawBox({ node, x, y, width, title }: Drawn): string {
  const { fill, ink } = colours[node.state] ?? waiting;
  const badge = badgeWidth(node);
  const left = x + width - badge - 8;
  const dashed = node.kind === 'group' ? ' stroke-dasharray="7 3"' : '';
  return [
    `<g><title>${escapeXml(node.id)}</title>`,
    `<rect x="${x}" y="${y}" width="${width}" height="${box.height}" rx="7" fill="#fff" stroke="${ink}" stroke-width="1.3"${dashed}/>`,
    `<text x="${x + box.padding}" y="${y + 22}" fill="#212529">${escapeXml(title)}</text>`,
    `<rect x="${left}" y="${y + 8}" width="${badge}" height="18" rx="9" fill="${fill}"/>`,
    `<text x="${left + badge / 2}" y="${y + 21}" font-size="10" font-weight="600" text-anchor="middle" fill="${ink}">${escapeXml(node.state)}</text></g>`,
  ].join('');
}

function escapeXml(given: string): string {
  const text = visible(given);
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
