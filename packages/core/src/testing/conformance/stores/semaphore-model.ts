import { expect } from 'vitest';
import type { AcquireRequest, Semaphore } from '../../../driver/semaphore.ts';

/** One step: of a member that comes, comes again, goes, or is halted. */
export type SemaphoreOp =
  | {
      readonly kind: 'come';
      readonly group: number;
      readonly flow: number;
      readonly weight: number;
      readonly limit: number;
    }
  | { readonly kind: 'again' | 'go' | 'halt' | 'replace'; readonly pick: number };

/** A random history of two groups; the same for the same seed. */
export function drawHistory(seed: number, length: number): readonly SemaphoreOp[] {
  let state = seed >>> 0;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const kinds = [
    'come',
    'come',
    'come',
    'come',
    'come',
    'again',
    'again',
    'go',
    'go',
    'go',
    'go',
    'halt',
    'replace',
  ] as const;
  return Array.from({ length }, (): SemaphoreOp => {
    const kind = kinds[draw(kinds.length)] as (typeof kinds)[number];
    if (kind !== 'come') return { kind, pick: draw(1_000) };
    const limit = [1, 1, 1, 2, 3][draw(5)] as number;
    return { kind, group: draw(2), flow: draw(3), weight: 1 + draw(2), limit };
  });
}

interface Waiting {
  readonly id: string;
  readonly tag: number;
}

/** A group as its definition says: all by hand, nothing clever. */
class ModelGroup {
  limit = 1;
  turn = 0;
  inside: string[] = [];
  line: Waiting[] = [];
  readonly ends = new Map<string, number>();
  halted: string | undefined;

  come(id: string, { flow = '', cost = 1, limit }: AcquireRequest): readonly string[] {
    this.limit = limit;
    if (!this.inside.includes(id) && !this.line.some((one) => one.id === id)) {
      const tag = Math.max(this.turn, this.ends.get(flow) ?? 0);
      this.ends.set(flow, tag + cost);
      this.line.push({ id, tag });
    }
    return this.admit();
  }

  go(id: string): readonly string[] {
    this.inside = this.inside.filter((one) => one !== id);
    this.line = this.line.filter((one) => one.id !== id);
    if (this.halted === id) this.halted = undefined;
    const acquired = this.admit();
    if (this.inside.length + this.line.length === 0) {
      this.turn = 0;
      this.ends.clear();
    }
    return acquired;
  }

  replace(old: string, id: string): void {
    this.inside = this.inside.map((one) => (one === old ? id : one));
    if (this.halted === old) this.halted = undefined;
  }

  /** The lowest tag goes first; of equal ones the one that came first, whose id is smaller. */
  private admit(): readonly string[] {
    const acquired: string[] = [];
    while (this.inside.length < this.limit && this.line.length > 0) {
      const next = this.line.reduce((best, one) =>
        one.tag < best.tag || (one.tag === best.tag && one.id < best.id) ? one : best,
      );
      this.line = this.line.filter((one) => one !== next);
      this.inside.push(next.id);
      this.turn = next.tag;
      acquired.push(next.id);
    }
    return acquired;
  }
}

/** What is tried: steps, in two groups of these names. */
export interface SemaphoreHistory {
  readonly names: readonly [string, string];
  readonly ops: readonly SemaphoreOp[];
}

/** Takes the same steps on an admission and on the model, and compares what each of them says after every one. */
export async function checkAgainstModel(semaphore: Semaphore, { names, ops }: SemaphoreHistory): Promise<void> {
  const trial = new Trial(semaphore, names);
  for (const op of ops) {
    await trial.take(op);
    await compare(semaphore, names, trial.groups);
  }
}

class Trial {
  readonly groups: readonly ModelGroup[] = [new ModelGroup(), new ModelGroup()];
  readonly #names: SemaphoreHistory['names'];
  readonly #semaphore: Semaphore;
  readonly #entries: AcquireRequest[] = [];
  readonly #endedHolders = new Set<string>();
  #fence = 0;

  constructor(semaphore: Semaphore, names: SemaphoreHistory['names']) {
    this.#names = names;
    this.#semaphore = semaphore;
  }

  async take(op: SemaphoreOp): Promise<void> {
    if (op.kind === 'come') {
      const { group, flow, weight, limit } = op;
      return this.#add({
        group: this.#names[group] as string,
        queue: 'q',
        id: '',
        flow: `f${flow}`,
        cost: 1 / weight,
        limit,
      });
    }
    const there = this.#entries.filter(({ id }) => !this.#endedHolders.has(id));
    const entry = there[op.pick % there.length];
    if (entry) await this.#change(op.kind, entry);
  }

  async #change(kind: 'again' | 'go' | 'halt' | 'replace', entry: AcquireRequest): Promise<void> {
    const model = this.#modelOf(entry);
    const inside = model.inside.includes(entry.id);
    if (kind === 'again') await this.#enter(entry);
    if (kind === 'go') {
      this.#endedHolders.add(entry.id);
      expect((await this.#semaphore.release([entry])).map(({ id }) => id)).toEqual(model.go(entry.id));
    }
    if (kind === 'halt') {
      if (inside) model.halted = entry.id;
      expect(await this.#semaphore.halt(entry)).toBe(inside);
    }
    if (kind === 'replace' && inside) {
      this.#endedHolders.add(entry.id);
      await this.#add({ ...entry, replaces: { queue: 'q', id: entry.id } });
    }
  }

  /** Ids grow, so that members with equal tags stand in the order of their coming in any store. */
  async #add(entry: AcquireRequest): Promise<void> {
    const named = { ...entry, id: `m${String(this.#entries.length).padStart(4, '0')}` };
    this.#entries.push(named);
    await this.#enter(named);
  }

  async #enter(entry: AcquireRequest): Promise<void> {
    const model = this.#modelOf(entry);
    if (entry.replaces) model.replace(entry.replaces.id, entry.id);
    const acquired = model.come(entry.id, entry);
    const { fencingTokens: fences, others } = await this.#semaphore.acquire([entry]);
    const [fence = 0] = fences;
    expect(others.map(({ id }) => id)).toEqual(acquired.filter((id) => id !== entry.id));
    expect(fence > 0).toBe(model.inside.includes(entry.id));
    if (fence > 0) expect(fence).toBeGreaterThan(this.#fence);
    this.#fence = Math.max(this.#fence, fence);
  }

  #modelOf({ group }: AcquireRequest): ModelGroup {
    return this.groups[this.#names.indexOf(group)] as ModelGroup;
  }
}

async function compare(
  semaphore: Semaphore,
  names: SemaphoreHistory['names'],
  groups: readonly ModelGroup[],
): Promise<void> {
  const order = ({ line }: ModelGroup): readonly string[] =>
    [...line].sort((one, other) => one.tag - other.tag || (one.id < other.id ? -1 : 1)).map(({ id }) => id);
  const halted = new Map((await semaphore.halted()).map(({ group, id }) => [group, id]));
  for (const [index, group] of groups.entries()) {
    const name = names[index] as string;
    expect((await semaphore.waitingList(name, 1_000)).map(({ id }) => id)).toEqual(order(group));
    expect(halted.get(name)).toBe(group.halted);
  }
}
