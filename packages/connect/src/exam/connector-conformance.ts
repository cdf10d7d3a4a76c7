import { Lovage, type Task } from '@lovage/core';
import { type DeadLetter, DeadLetters } from '@lovage/core/inspect';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { Connect } from '../connect.ts';
import type { DecodedRecord } from '../source/record.ts';
import type { Source } from '../source/source.ts';
import type { SourceOptions } from '../source/source-options.ts';
import type { SourceSystem } from '../source/source-system.ts';

/** A record of the exam: JSON, with the key that its order is kept for. */
export interface ExamRecord {
  readonly key: string;
  /** Bytes of JSON, or of none. */
  readonly value: Uint8Array;
}

/** One topic or queue of a system, empty at first. */
export interface ConnectorHarness {
  /** Opens the same topic or queue each time, as one more instance would. */
  source(): SourceSystem;
  /** Writes records in order. Resolves when the system has them. */
  write(records: readonly ExamRecord[]): Promise<void>;
  /** Ends the system's server as a crash would, and starts it again on its data. Absent: there is none. */
  restart?(): Promise<void>;
  /** How many records the system would deliver again, when it can say: 0 when all are acknowledged. */
  unacknowledged?(): Promise<number>;
  close(): Promise<void>;
}

/** How a system sits the exam. */
export interface ConnectorConformanceOptions {
  /** Called once per case. */
  readonly open: () => Promise<ConnectorHarness>;
  /** Options of its sources, as an `id` where the system gives records no name. */
  readonly source?: SourceOptions<readonly [ExamValue]>;
  /** Records that the largest case takes. @default 600 */
  readonly records?: number;
  /** Cases that this system does not pass, by name, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What a record of the exam says. */
export interface ExamValue {
  readonly key: string;
  readonly n: number;
}

const caseTimeout = 180_000;
const keys = ['a', 'b', 'c', 'd', 'e'];

/** Declares the exam in the vitest file that calls it. */
export function connectorConformance(system: string, options: ConnectorConformanceOptions): void {
  const skip = options.skip ?? {};
  for (const name of Object.keys(skip)) {
    if (!cases.some((one) => one.name === name))
      throw new Error(`connector conformance: skip names no case: "${name}"`);
  }
  describe(`connector conformance: ${system}`, () => {
    for (const { name, run, needs } of cases) {
      it(name, { timeout: caseTimeout }, async (context) => {
        if (skip[name] !== undefined) return context.skip(skip[name]);
        const harness = await options.open();
        if (needs && !harness[needs]) {
          await harness.close();
          return context.skip(`the system has no ${needs}`);
        }
        const bench = new Bench(harness, options);
        try {
          await run(bench);
        } finally {
          await bench.close();
        }
      });
    }
  });
}

interface ExamCase {
  readonly name: string;
  readonly needs?: 'restart' | 'unacknowledged';
  run(bench: Bench): Promise<void>;
}

const cases: readonly ExamCase[] = [
  {
    name: 'each record becomes one task, in the order of its key',
    async run(bench) {
      await bench.start({ key: (record) => (record.value as ExamValue).key });
      await bench.write(bench.records);
      await bench.all(bench.records);
      bench.expectOnceEach();
      for (const key of keys) {
        const seen = bench.runs.filter((run) => run.key === key).map(({ n }) => n);
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
      }
    },
  },
  {
    name: 'what was acknowledged is not delivered to the next instance',
    needs: 'unacknowledged',
    async run(bench) {
      const first = await bench.start();
      await bench.write(50);
      await bench.all(50);
      await expect.poll(() => bench.harness.unacknowledged?.(), { timeout: 60_000 }).toBe(0);
      await first.close();
      await bench.start();
      await bench.write(10, 50);
      await bench.all(60);
      expect(bench.arrivals).toBe(60);
    },
  },
  {
    name: 'records that were not accepted are delivered again, and are the same tasks',
    async run(bench) {
      const first = await bench.start({ maxDepth: 1 });
      first.source.pause();
      await bench.write(40);
      await expect.poll(() => first.source.status.state, { timeout: 60_000 }).toBe('paused');
      await first.close();
      expect(bench.runs).toEqual([]);
      await bench.start();
      await bench.all(40);
      bench.expectOnceEach();
    },
  },
  {
    name: 'a record that is read twice is one task',
    async run(bench) {
      const first = await bench.start({ id: (record) => `same-${(record.value as ExamValue).n}` });
      await bench.write(20);
      await bench.write(20, 0); // the same numbers again
      await bench.write(1, 20);
      await bench.all(21);
      await expect.poll(() => first.source.status.accepted, { timeout: 60_000 }).toBe(41);
      bench.expectOnceEach();
    },
  },
  {
    name: 'a record that cannot be read is parked with its coordinates, and the others go on',
    async run(bench) {
      const { source } = await bench.start();
      await bench.write(5);
      await bench.harness.write([{ key: 'a', value: Buffer.from('{"key":"a", no json') }]);
      await bench.write(5, 5);
      await bench.all(10);
      await expect.poll(() => source.status.poison, { timeout: 60_000 }).toBe(1);
      const [letter] = await bench.letters();
      expect(letter?.reason).toMatchObject({ name: 'SyntaxError' });
      expect(letter?.reason.message).toContain(source.name);
      expect(JSON.parse(letter?.body ?? '')).toMatchObject({ source: source.name, text: '{"key":"a", no json' });
    },
  },
  {
    name: 'three instances share the records, and lose none when one comes or goes',
    async run(bench) {
      const half = Math.floor(bench.records / 2);
      const first = await bench.start();
      await bench.write(half);
      const second = await bench.start();
      await bench.start();
      await bench.write(bench.records - half, half);
      await first.close();
      await bench.all(bench.records);
      await second.close();
      await bench.write(20, bench.records);
      await bench.all(bench.records + 20);
      bench.expectOnceEach();
    },
  },
  {
    name: 'no more is taken than may wait in the queue',
    async run(bench) {
      bench.hold();
      const { source } = await bench.start({ maxDepth: 50, batch: 10 });
      await bench.write(200);
      await expect.poll(() => source.status.state, { timeout: 60_000 }).toBe('waiting');
      expect(source.status.accepted).toBeGreaterThanOrEqual(50);
      expect(source.status.accepted).toBeLessThan(100);
      bench.release();
      await bench.all(200);
      bench.expectOnceEach();
    },
  },
  {
    name: 'it goes on after the system was killed and came again',
    needs: 'restart',
    async run(bench) {
      await bench.start();
      await bench.write(100);
      await bench.all(100);
      await bench.harness.restart?.();
      await bench.write(100, 100);
      await bench.all(200);
      bench.expectOnceEach();
    },
  },
];

/** An instance that reads. */
interface Instance {
  readonly source: Source;
  close(): Promise<void>;
}

class Bench {
  readonly harness: ConnectorHarness;
  readonly records: number;
  /** Each run of a task, in order. */
  readonly runs: ExamValue[] = [];
  readonly #options: ConnectorConformanceOptions;
  readonly #app: Lovage;
  readonly #task: Task<[ExamValue], void>;
  readonly #instances: Instance[] = [];
  #gate: Promise<void> = Promise.resolve();
  #open: (() => void) | undefined;
  #working: Promise<unknown> | undefined;

  constructor(harness: ConnectorHarness, options: ConnectorConformanceOptions) {
    this.harness = harness;
    this.#options = options;
    this.records = options.records ?? 600;
    this.#app = new Lovage('exam', { broker: 'memory://', logLevel: 'silent' });
    this.#task = defineTask(this.#app, async (value) => {
      await this.#gate;
      this.runs.push(value);
    });
  }

  /** How many records were handed over, again counted. */
  get arrivals(): number {
    return this.#instances.reduce((sum, { source }) => sum + source.status.accepted, 0);
  }

  async start(options: SourceOptions<readonly [ExamValue]> = {}): Promise<Instance> {
    this.#working ??= startWorker(this.#app, { concurrency: 8 });
    await this.#working;
    const connect = new Connect(this.#app);
    const all = { map: mapValue, ...this.#options.source, ...options };
    const source = connect.source(this.harness.source(), this.#task.s(), all);
    await connect.start();
    const instance = { source, close: () => connect.close() };
    this.#instances.push(instance);
    return instance;
  }

  async write(count: number, from = 0): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => from + index);
    await this.harness.write(
      numbers.map((n) => {
        const key = keys[n % keys.length] as string;
        return { key, value: Buffer.from(JSON.stringify({ key, n })) };
      }),
    );
  }

  /** Waits until the records 0 … count − 1 have run. */
  async all(count: number): Promise<void> {
    const end = Date.now() + 120_000;
    const missing = (): number => {
      const seen = new Set(this.runs.map(({ n }) => n));
      return Array.from({ length: count }, (_, n) => n).filter((n) => !seen.has(n)).length;
    };
    while (missing() > 0) {
      if (Date.now() > end) throw new Error(`${missing()} of ${count} records did not run: ${this.#states()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  expectOnceEach(): void {
    const counts = new Map<number, number>();
    for (const { n } of this.runs) counts.set(n, (counts.get(n) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > 1)).toEqual([]);
  }

  letters(): Promise<readonly DeadLetter[]> {
    return new DeadLetters(this.#app).list();
  }

  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  release(): void {
    this.#open?.();
  }

  async close(): Promise<void> {
    this.release();
    await Promise.all(this.#instances.map((instance) => instance.close()));
    await this.#app.close();
    await this.harness.close();
  }

  #states(): string {
    return this.#instances.map(({ source }) => JSON.stringify(source.status)).join(', ');
  }
}

const mapValue = (record: DecodedRecord): readonly [ExamValue] => [record.value as ExamValue];

function defineTask(app: Lovage, run: (value: ExamValue) => Promise<void>): Task<[ExamValue], void> {
  return app.task({ name: 'exam.record', orderingKey: () => undefined }, run);
}
