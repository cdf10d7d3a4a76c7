import type { GraphNode, TaskGraph } from '@lovage/core/inspect';
import { clip } from '../format.ts';

/** Members of a group beyond so many are folded into a ring. */
const mostMembers = 20;
const box = { width: 170, height: 46, across: 44, down: 14, margin: 12 };

interface Placed {
  readonly node: GraphNode;
  readonly column: number;
  readonly row: number;
  /** Of a folded group: its members that are known. */
  readonly folded?: readonly GraphNode[];
}

/** A canvas from left to right: each step stands behind what leads to it. */
export function Graph({ graph, current, to }: { graph: TaskGraph; current: string; to: (id: string) => string }) {
  const { placed, edges } = layOut(graph);
  const at = new Map(placed.map((one) => [one.node.id, one]));
  const columns = Math.max(0, ...placed.map(({ column }) => column)) + 1;
  const rows = Math.max(0, ...placed.map(({ row }) => row)) + 1;
  const width = columns * (box.width + box.across) - box.across + 2 * box.margin;
  const height = rows * (box.height + box.down) - box.down + 2 * box.margin;
  const x = ({ column }: Placed): number => box.margin + column * (box.width + box.across);
  const y = ({ row }: Placed): number => box.margin + row * (box.height + box.down);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
      <section class="scroll graph" aria-label="Graph of the canvas" tabIndex={0}>
        <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
          <title>The canvas, from left to right</title>
          {edges.map(({ from, to: target, kind }) => {
            const [start, end] = [at.get(from), at.get(target)];
            if (!start || !end) return null;
            const [x1, y1, x2, y2] = [x(start) + box.width, y(start) + box.height / 2, x(end), y(end) + box.height / 2];
            const bend = Math.max(16, (x2 - x1) / 2);
            return (
              <path
                key={`${from} ${target} ${kind}`}
                class={`edge ${kind}`}
                d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
              />
            );
          })}
          {placed.map((one) => (
            <a
              key={one.node.id}
              href={to(one.node.id)}
              class={`node ${one.node.state} ${one.node.id === current ? 'current' : ''}`}
            >
              <rect x={x(one)} y={y(one)} width={box.width} height={box.height} rx="8" />
              <text class="name" x={x(one) + 12} y={y(one) + 19}>
                {clip(titleOf(one.node), one.folded ? 16 : 20)}
              </text>
              <text x={x(one) + 12} y={y(one) + 36}>
                {one.node.state}
              </text>
              {one.folded && (
                <Ring
                  members={one.folded}
                  size={one.node.size ?? one.folded.length}
                  cx={x(one) + box.width - 24}
                  cy={y(one) + box.height / 2}
                />
              )}
            </a>
          ))}
        </svg>
      </section>
      <button
        type="button"
        class="small quiet"
        onClick={(event) => download(event.currentTarget.previousElementSibling?.querySelector('svg'))}
      >
        Download as SVG
      </button>
    </>
  );
}

function titleOf({ kind, task, size }: GraphNode): string {
  return kind === 'group' ? `group of ${size ?? '?'}` : (task ?? 'not sent yet');
}

/** How many members of a folded group have ended. */
function Ring({ members, size, cx, cy }: { members: readonly GraphNode[]; size: number; cx: number; cy: number }) {
  const done = members.filter(({ state }) => state === 'SUCCESS').length;
  const bad = members.filter(({ state }) => state === 'FAILURE' || state === 'REVOKED').length;
  const shown = Math.max(1, members.length);
  const around = 2 * Math.PI * 14;
  return (
    <g>
      <title>{`${done} of the first ${members.length} succeeded, ${bad} failed; ${size} in all`}</title>
      <circle class="ring" cx={cx} cy={cy} r="14" />
      <circle
        class="ring good"
        cx={cx}
        cy={cy}
        r="14"
        stroke-dasharray={`${(done / shown) * around} ${around}`}
        transform={`rotate(-90 ${cx} ${cy})`}
      />
      <text x={cx} y={cy + 4} text-anchor="middle">
        {Math.round(((done + bad) / shown) * 100)}
      </text>
    </g>
  );
}

/** Columns by the longest way to a step; a group's members stand behind it, in rows. */
function layOut({ nodes, edges }: TaskGraph): {
  readonly placed: readonly Placed[];
  readonly edges: TaskGraph['edges'];
} {
  const membersOf = new Map<string, string[]>();
  for (const { from, to, kind } of edges)
    if (kind === 'member') membersOf.set(from, [...(membersOf.get(from) ?? []), to]);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const hidden = new Set<string>();
  const folded = new Map<string, readonly GraphNode[]>();
  for (const [group, members] of membersOf) {
    if ((byId.get(group)?.size ?? members.length) <= mostMembers) continue;
    folded.set(
      group,
      members.flatMap((id) => byId.get(id) ?? []),
    );
    for (const id of members) hidden.add(id);
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const { from, to, kind } of edges) {
      if (!hidden.has(from) || hidden.has(to) || kind === 'next') continue;
      hidden.add(to);
      grown = true;
    }
  }
  const shown = edges.filter(({ from, to }) => !hidden.has(from) && !hidden.has(to));
  const column = columnsOf(nodes, shown, membersOf);
  const used = new Map<number, number>();
  const placed = nodes
    .filter(({ id }) => !hidden.has(id))
    .map((node): Placed => {
      const at = column.get(node.id) ?? 0;
      const row = used.get(at) ?? 0;
      used.set(at, row + 1);
      const members = folded.get(node.id);
      return { node, column: at, row, ...(members ? { folded: members } : {}) };
    });
  return { placed, edges: shown };
}

function columnsOf(
  nodes: readonly GraphNode[],
  edges: TaskGraph['edges'],
  membersOf: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, number> {
  const column = new Map(nodes.map(({ id }) => [id, 0]));
  for (let round = 0, changed = true; changed && round < nodes.length; round += 1) {
    changed = false;
    for (const { from, to, kind } of edges) {
      const inside = kind === 'next' ? (membersOf.get(from) ?? []).map((id) => column.get(id) ?? 0) : [];
      const wanted = Math.max(column.get(from) ?? 0, ...inside) + 1;
      if ((column.get(to) ?? 0) >= wanted) continue;
      column.set(to, wanted);
      changed = true;
    }
  }
  return column;
}

/** The drawing with its colours written into it, since the page's style does not go with it. */
function download(svg: SVGSVGElement | null | undefined): void {
  if (!svg) return;
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [...svg.querySelectorAll('*')];
  for (const [index, element] of [...copy.querySelectorAll('*')].entries()) {
    const source = from[index];
    if (source === undefined) continue;
    const { fill, stroke, strokeWidth, font } = getComputedStyle(source);
    for (const [name, value] of Object.entries({ fill, stroke, 'stroke-width': strokeWidth, font }))
      element.setAttribute(name, value);
  }
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const link = document.createElement('a');
  link.href = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  link.download = 'canvas.svg';
  link.click();
}
