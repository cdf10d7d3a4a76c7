import type { CanvasRef } from '../message/canvas-ref.ts';
import { childId, replacedId } from '../message/child-id.ts';
import type { OutcomeRecord, TaskState } from '../message/outcome.ts';
import type { JoinPlan } from '../message/plan.ts';
import { addedId, memberIds } from './list-values.ts';
import type { ResultStores } from './result-inbox.ts';

/** A task or group of a canvas. */
export interface GraphNode {
  readonly id: string;
  readonly kind: 'task' | 'group';
  /** The task's name; absent where nothing is stored of it yet. */
  readonly task?: string;
  readonly state: TaskState;
  /** The group that it runs in. */
  readonly group?: string;
  /** How many members a group has; only the first ones are drawn. */
  readonly size?: number;
}

/** What leads to what: a step to the next, a group to its members, a task to a callback or to what replaced it. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: 'next' | 'member' | 'link' | 'error' | 'replaced';
}

/** A canvas as it stands. */
export interface TaskGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Members of one group that are drawn. */
const mostMembers = 100;

/** The whole canvas that a task belongs to, with live states; one node for a task that stands alone. */
export async function readGraph(stores: ResultStores, id: string): Promise<TaskGraph> {
  const reader = new GraphReader(stores);
  await reader.line(await reader.top(id), {});
  return reader.graph();
}

/** Where a chain stands: in which group, and after which task of the chain around it. */
interface Surroundings {
  readonly group?: string | undefined;
  readonly outside?: string | undefined;
}

class GraphReader {
  readonly #stores: ResultStores;
  readonly #records = new Map<string, Promise<OutcomeRecord | undefined>>();
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, GraphEdge>();

  constructor(stores: ResultStores) {
    this.#stores = stores;
  }

  graph(): TaskGraph {
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()] };
  }

  /** The last unit of the outermost chain around a task. */
  async top(id: string): Promise<string> {
    const seen = new Set<string>();
    for (let at = id; ; ) {
      seen.add(at);
      const { next, join, replaces } = await this.#canvas(at);
      const up = next ?? join?.group ?? replaces ?? (await this.#around(at));
      if (up === undefined || seen.has(up)) return at;
      at = up;
    }
  }

  /** Draws the chain that ends with this unit, and everything in it; returns the id of its first unit. */
  async line(last: string, { group, outside }: Surroundings): Promise<string> {
    const units = await this.#unitsUpTo(last, outside);
    for (const [index, unit] of units.entries()) {
      await this.#unit(unit, group);
      const before = units[index - 1];
      if (before !== undefined) this.#edge(before, unit, 'next');
    }
    return units[0] as string;
  }

  async #unitsUpTo(last: string, outside: string | undefined): Promise<readonly string[]> {
    const units = [last];
    for (let unit = last; ; ) {
      const parent = (await this.#record(unit))?.parentId;
      if (parent === undefined || parent === outside) return units;
      const before = await this.#groupLedBy(parent, unit);
      if (units.includes(before) || !(await this.#leadsTo(before, unit))) return units;
      unit = before;
      units.unshift(unit);
    }
  }

  /** A body's parent is the first member of its header: the unit before it is the group. */
  async #groupLedBy(parent: string, child: string): Promise<string> {
    const { join } = await this.#canvas(parent);
    const group = /^(.*)\.0$/.exec(parent)?.[1] ?? (join?.index === 0 ? join.group : undefined);
    if (group === undefined || child.startsWith(`${group}.`)) return parent;
    return (await this.#record(group))?.plan?.kind === 'group' ? group : parent;
  }

  /** Whether a unit is the step before another, and not the task that sent their canvas. */
  async #leadsTo(before: string, unit: string): Promise<boolean> {
    const { next } = await this.#canvas(before);
    return next === undefined ? baseOf(before) === baseOf(unit) : next === unit;
  }

  /** Where a unit stands: by its record, or by the message that waits or runs. */
  async #canvas(id: string): Promise<CanvasRef> {
    const record = await this.#record(id);
    if (record) return canvasOf(record);
    const [message] = (await this.#stores.monitor?.find?.([id])) ?? [];
    return message?.canvas ?? {};
  }

  async #unit(id: string, group: string | undefined): Promise<void> {
    if (this.#nodes.has(id)) return;
    const record = await this.#record(id);
    const isGroup = record?.plan?.kind === 'group';
    const { size, own } = membersOf(record);
    this.#nodes.set(id, {
      id,
      kind: isGroup ? 'group' : 'task',
      state: await this.#stateOf(id, record),
      ...(record && !isGroup ? { task: gateNameOf(record) ?? record.task } : {}),
      ...(group === undefined ? {} : { group }),
      ...(size === undefined ? {} : { size }),
    });
    if (isGroup) await this.#members(memberIds(id, 0, Math.min(size ?? 0, mostMembers), own), id, record?.parentId);
    else await this.#added(record, group);
    await this.#callbacks(id, canvasOf(record));
    const replaced = await this.#record(replacedId(id));
    if (replaced?.plan?.kind === 'replaced' && replaced.plan.by) {
      this.#edge(id, await this.line(childId(id, '~r'), { outside: id }), 'replaced');
    }
  }

  async #members(members: readonly string[], group: string, outside: string | undefined): Promise<void> {
    for (const member of members) this.#edge(group, await this.line(member, { group, outside }), 'member');
  }

  async #added(record: OutcomeRecord | undefined, group: string | undefined): Promise<void> {
    for (let nth = 1; record && nth <= Math.min(record.added ?? 0, mostMembers); nth++) {
      this.#edge(record.id, await this.line(addedId(record.id, nth), { group, outside: record.id }), 'member');
    }
  }

  async #callbacks(id: string, { links = [], errors = [] }: CanvasRef): Promise<void> {
    for (const [refs, kind] of [[links, 'link'] as const, [errors, 'error'] as const]) {
      for (const { run } of refs) {
        if ((await this.#record(run)) && !this.#nodes.has(run))
          this.#edge(id, await this.line(run, { outside: id }), kind);
      }
    }
  }

  async #stateOf(id: string, record: OutcomeRecord | undefined): Promise<TaskState> {
    if (record && (record.state !== 'PENDING' || record.plan?.kind === 'group')) return record.state;
    const [place] = (await this.#stores.monitor?.locate([id])) ?? [];
    return place === undefined ? 'PENDING' : place === 'running' ? 'RECEIVED' : 'SENT';
  }

  /** What is around a task of which nothing is stored: its id says so. */
  async #around(id: string): Promise<string | undefined> {
    const outer = /^(.+)[.~][^.~]+$/.exec(id)?.[1];
    if (outer === undefined || (await this.#record(id))?.canvas) return undefined;
    return (await this.#record(outer))?.plan || (await this.#record(outer))?.canvas ? outer : undefined;
  }

  #edge(from: string, to: string, kind: GraphEdge['kind']): void {
    this.#edges.set(`${from} ${to}`, { from, to, kind });
  }

  #record(id: string): Promise<OutcomeRecord | undefined> {
    const known = this.#records.get(id) ?? this.#stores.results.get([id]).then(([record]) => record);
    this.#records.set(id, known);
    return known;
  }
}

function canvasOf(record: OutcomeRecord | undefined): CanvasRef {
  if (record?.canvas) return record.canvas;
  const plan = record?.plan;
  return (plan?.kind === 'task' ? plan.message.canvas : plan?.kind === 'group' ? plan.canvas : undefined) ?? {};
}

/** Ids of one canvas begin alike; a parent that does not is the task that sent it. */
/** What is known of the members of a group. */
function membersOf(record: OutcomeRecord | undefined): Pick<JoinPlan, 'size' | 'own'> {
  return record?.list ?? (record?.plan?.kind === 'group' ? record.plan : {});
}

/** The id from which a part's follows. */
function baseOf(id: string): string {
  return /^[^.~]*/.exec(id)?.[0] ?? id;
}

/** A gate is drawn under its name. */
function gateNameOf({ plan }: OutcomeRecord): string | undefined {
  return plan?.kind === 'task' && plan.gate ? `gate "${plan.gate.name}"` : undefined;
}
