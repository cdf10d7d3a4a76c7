import type { SourceRecord } from '../source/record.ts';
import type {
  Gap,
  OpenSource,
  PartitionLag,
  SeekTarget,
  SourceContext,
  SourceSystem,
} from '../source/source-system.ts';

/** What is appended to a {@link MemoryLog}. */
export interface MemoryLogRecord {
  readonly key?: string;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default by the key */
  readonly partition?: number;
}

interface Stored {
  readonly record: SourceRecord;
  readonly offset: number;
}

/** A partitioned log in this process, as the first system of the exam and for tests of your own. Groups share its partitions. */
export class MemoryLog {
  readonly #partitions: Stored[][];
  readonly #ends: number[];
  readonly #groups = new Map<string, Group>();
  readonly #arrivals = new Set<() => void>();

  constructor({ partitions = 1 }: { readonly partitions?: number } = {}) {
    this.#partitions = Array.from({ length: partitions }, () => []);
    this.#ends = this.#partitions.map(() => 0);
  }

  /** The log as a source. Sources of one group share the partitions, and each goes on where the group has committed. */
  source(group: string): SourceSystem {
    return { system: 'memory', name: `memory.${group}`, open: async (context) => this.#open(group, context) };
  }

  append(records: readonly MemoryLogRecord[]): void {
    for (const { key, value, headers = {}, partition = hash(key ?? '') % this.#partitions.length } of records) {
      const offset = this.#ends[partition] as number;
      const position = String(offset);
      const record: SourceRecord = {
        partition: String(partition),
        position,
        value,
        headers,
        timestamp: Date.now(),
        key,
      };
      this.#partitions[partition]?.push({ record, offset });
      this.#ends[partition] = offset + 1;
    }
    this.#wake();
  }

  /** Deletes the records before `offset`, as retention does. */
  trim(partition: number, offset: number): void {
    const kept = this.#partitions[partition]?.filter((stored) => stored.offset >= offset) ?? [];
    this.#partitions[partition] = kept;
  }

  committed(group: string, partition: number): number {
    return this.#groups.get(group)?.committed[partition] ?? 0;
  }

  /** Records of a partition from an offset on. */
  read(partition: number, from: number, most: number): readonly SourceRecord[] {
    const stored = this.#partitions[partition] ?? [];
    const start = stored.findIndex(({ offset }) => offset >= from);
    return start < 0 ? [] : stored.slice(start, start + most).map(({ record }) => record);
  }

  end(partition: number): number {
    return this.#ends[partition] ?? 0;
  }

  /** The offset of the oldest record. */
  begin(partition: number): number {
    return this.#partitions[partition]?.[0]?.offset ?? this.end(partition);
  }

  get partitions(): number {
    return this.#partitions.length;
  }

  onArrival(listener: () => void): () => void {
    this.#arrivals.add(listener);
    return () => this.#arrivals.delete(listener);
  }

  #wake(): void {
    for (const listener of [...this.#arrivals]) listener();
  }

  #open(name: string, context: SourceContext): OpenSource {
    let group = this.#groups.get(name);
    if (!group) {
      group = new Group(this);
      this.#groups.set(name, group);
    }
    return group.join(context);
  }
}

/** The readers of a log that share its partitions, and how far they have come. */
class Group {
  readonly committed: number[];
  readonly #log: MemoryLog;
  readonly #members: MemoryReader[] = [];

  constructor(log: MemoryLog) {
    this.#log = log;
    this.committed = Array.from({ length: log.partitions }, () => 0);
  }

  join(context: SourceContext): MemoryReader {
    const reader = new MemoryReader(this.#log, this, context);
    this.#members.push(reader);
    this.#rebalance();
    return reader;
  }

  leave(reader: MemoryReader): void {
    const index = this.#members.indexOf(reader);
    if (index >= 0) this.#members.splice(index, 1);
    this.#rebalance();
  }

  #rebalance(): void {
    for (const [index, member] of this.#members.entries()) {
      const mine = this.committed.map((_, partition) => partition).filter((p) => p % this.#members.length === index);
      member.assign(mine);
    }
  }
}

class MemoryReader implements OpenSource {
  readonly #log: MemoryLog;
  readonly #group: Group;
  readonly #context: SourceContext;
  readonly #forget: () => void;
  readonly #loops = new Set<Promise<void>>();
  #generation = 0;
  #mine: readonly number[] = [];
  #closed = false;

  constructor(log: MemoryLog, group: Group, context: SourceContext) {
    this.#log = log;
    this.#group = group;
    this.#context = context;
    this.#forget = log.onArrival(() => this.assign(this.#mine));
  }

  /** Reads these partitions from where they are committed. A batch under way is finished, and not committed when it lost its partition. */
  assign(partitions: readonly number[]): void {
    if (this.#closed) return;
    const same = partitions.length === this.#mine.length && partitions.every((one, at) => one === this.#mine[at]);
    if (same && this.#loops.size > 0) return;
    this.#generation += 1;
    this.#mine = partitions;
    for (const partition of partitions) {
      const loop = this.#readPartition(partition, this.#generation).catch((error: unknown) => {
        if (!this.#closed) this.#context.onError(error as Error);
      });
      this.#loops.add(loop);
      void loop.then(() => {
        this.#loops.delete(loop);
        if (!this.#closed && this.#loops.size === 0 && this.#left() > 0) this.assign(this.#mine);
      });
    }
  }

  async #readPartition(partition: number, generation: number): Promise<void> {
    this.#nameGap(partition);
    while (!this.#closed && generation === this.#generation) {
      const from = this.#group.committed[partition] as number;
      const records = this.#log.read(partition, from, this.#context.batch);
      const last = records.at(-1);
      if (!last) return;
      await this.#context.accept(records);
      if (generation !== this.#generation) return;
      if (this.#group.committed[partition] === from) this.#group.committed[partition] = Number(last.position) + 1;
    }
  }

  #nameGap(partition: number): void {
    const from = this.#group.committed[partition] as number;
    const to = this.#log.begin(partition);
    if (from >= to) return;
    const gap: Gap = { partition: String(partition), from: String(from), to: String(to) };
    this.#group.committed[partition] = to;
    this.#context.onGap(gap);
  }

  #left(): number {
    return this.#mine.reduce((sum, p) => sum + this.#log.end(p) - (this.#group.committed[p] as number), 0);
  }

  async lag(): Promise<readonly PartitionLag[]> {
    return this.#mine.map((partition) => {
      const position = this.#group.committed[partition] as number;
      return { partition: String(partition), position: String(position), lag: this.#log.end(partition) - position };
    });
  }

  async seek(to: SeekTarget): Promise<void> {
    for (const partition of this.#mine) this.#group.committed[partition] = this.#offsetOf(partition, to);
    const mine = this.#mine;
    this.#mine = [];
    this.assign(mine);
  }

  #offsetOf(partition: number, to: SeekTarget): number {
    if (to === 'earliest') return this.#log.begin(partition);
    if (to === 'latest') return this.#log.end(partition);
    if ('position' in to) return Number(to.position);
    const records = this.#log.read(partition, 0, Number.MAX_SAFE_INTEGER);
    const found = records.find(({ timestamp }) => (timestamp ?? 0) >= to.timestamp);
    return found ? Number(found.position) : this.#log.end(partition);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forget();
    await Promise.all(this.#loops);
    this.#group.leave(this);
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}
