import fc from 'fast-check';
import { expect } from 'vitest';
import type { Admission, AdmissionEntry, Place } from '../src/driver/admission.ts';

/** One step: of a member that comes, comes again, goes, or is halted. */
export type AdmissionOp =
  | {
      readonly kind: 'come';
      readonly group: number;
      readonly flow: number;
      readonly weight: number;
      readonly limit: number;
    }
  | { readonly kind: 'again' | 'go' | 'halt'; readonly pick: number }
  | { readonly kind: 'replace'; readonly pick: number };

const pick = fc.nat(1_000);

/** Random histories of two groups. */
export const admissionOps: fc.Arbitrary<readonly AdmissionOp[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('come' as const),
        group: fc.nat(1),
        flow: fc.nat(2),
        weight: fc.constantFrom(1, 2),
        limit: fc.constantFrom(1, 1, 1, 2, 3),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), pick }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('go' as const), pick }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('halt' as const), pick }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), pick }) },
  ),
  { minLength: 1, maxLength: 60 },
);

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

  come(id: string, { flow = '', cost = 1, limit }: AdmissionEntry): readonly string[] {
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
    const admitted = this.admit();
    if (this.inside.length + this.line.length === 0) {
      this.turn = 0;
      this.ends.clear();
    }
    return admitted;
  }

  replace(old: string, id: string): void {
    this.inside = this.inside.map((one) => (one === old ? id : one));
    if (this.halted === old) this.halted = undefined;
  }

  /** The lowest tag goes first; of equal ones the one that came first, whose id is smaller. */
  private admit(): readonly string[] {
    const admitted: string[] = [];
    while (this.inside.length < this.limit && this.line.length > 0) {
      const next = this.line.reduce((best, one) =>
        one.tag < best.tag || (one.tag === best.tag && one.id < best.id) ? one : best,
      );
      this.line = this.line.filter((one) => one !== next);
      this.inside.push(next.id);
      this.turn = next.tag;
      admitted.push(next.id);
    }
    return admitted;
  }
}

/** Takes the same steps on an admission and on the model, and compares what each of them says after every one. */
export async function checkAgainstModel(admission: Admission, ops: readonly AdmissionOp[]): Promise<void> {
  const trial = new Trial(admission);
  for (const op of ops) {
    await trial.take(op);
    await compare(admission, trial.groups);
  }
}

class Trial {
  readonly groups: readonly ModelGroup[] = [new ModelGroup(), new ModelGroup()];
  readonly #admission: Admission;
  readonly #entries: AdmissionEntry[] = [];
  readonly #gone = new Set<string>();
  #fence = 0;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  async take(op: AdmissionOp): Promise<void> {
    if (op.kind === 'come') {
      const { group, flow, weight, limit } = op;
      return this.#add({ group: String(group), queue: 'q', id: '', flow: `f${flow}`, cost: 1 / weight, limit });
    }
    const there = this.#entries.filter(({ id }) => !this.#gone.has(id));
    const entry = there[op.pick % there.length];
    if (entry) await this.#change(op.kind, entry);
  }

  async #change(kind: 'again' | 'go' | 'halt' | 'replace', entry: AdmissionEntry): Promise<void> {
    const model = this.#modelOf(entry);
    const inside = model.inside.includes(entry.id);
    if (kind === 'again') await this.#enter(entry);
    if (kind === 'go') {
      this.#gone.add(entry.id);
      expect((await this.#admission.leave([entry])).map(({ id }) => id)).toEqual(model.go(entry.id));
    }
    if (kind === 'halt') {
      if (inside) model.halted = entry.id;
      expect(await this.#admission.halt(entry)).toBe(inside);
    }
    if (kind === 'replace' && inside) {
      this.#gone.add(entry.id);
      await this.#add({ ...entry, replaces: { queue: 'q', id: entry.id } });
    }
  }

  /** Ids grow, so that members with equal tags stand in the order of their coming in any store. */
  async #add(entry: AdmissionEntry): Promise<void> {
    const named = { ...entry, id: `m${String(this.#entries.length).padStart(4, '0')}` };
    this.#entries.push(named);
    await this.#enter(named);
  }

  async #enter(entry: AdmissionEntry): Promise<void> {
    const model = this.#modelOf(entry);
    if (entry.replaces) model.replace(entry.replaces.id, entry.id);
    const admitted = model.come(entry.id, entry);
    const { fences, others } = await this.#admission.enter([entry]);
    const [fence = 0] = fences;
    expect(others.map(({ id }) => id)).toEqual(admitted.filter((id) => id !== entry.id));
    expect(fence > 0).toBe(model.inside.includes(entry.id));
    if (fence > 0) expect(fence).toBeGreaterThan(this.#fence);
    this.#fence = Math.max(this.#fence, fence);
  }

  #modelOf({ group }: AdmissionEntry): ModelGroup {
    return this.groups[Number(group)] as ModelGroup;
  }
}

async function compare(admission: Admission, groups: readonly ModelGroup[]): Promise<void> {
  const order = ({ line }: ModelGroup) =>
    [...line].sort((one, other) => one.tag - other.tag || (one.id < other.id ? -1 : 1)).map(({ id }) => id);
  for (const [index, group] of groups.entries()) {
    expect((await admission.line(String(index), 1_000)).map(({ id }) => id)).toEqual(order(group));
  }
  const halted: Place[] = groups.flatMap(({ halted: id }, index) =>
    id === undefined ? [] : [{ group: String(index), queue: 'q', id }],
  );
  const found = [...(await admission.halted())].sort((one, other) => (one.group < other.group ? -1 : 1));
  expect(found).toEqual(halted);
}
