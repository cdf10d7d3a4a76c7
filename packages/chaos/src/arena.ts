import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, type Verdict } from './ledger/checker.ts';
import { type Entry, type Kind, Ledger, type Note, readLedgers } from './ledger/ledger.ts';
import { LedgerTail } from './ledger/ledger-tail.ts';
import { Load, type LoadOptions } from './load.ts';
import { drawSchedule, type Plan, type Step, showSchedule } from './nemesis.ts';
import { FaultProxy } from './processes/fault-proxy.ts';
import { RedisNode, type RedisSettings } from './processes/redis-node.ts';
import { WorkerProcess, type WorkerStart } from './processes/worker-process.ts';
import { createRandom, type Random } from './random.ts';
import { isDriverSabotage, sabotagedDrivers } from './sabotage.ts';
import { until } from './until.ts';

/** The broker under test. */
export type DriverName = 'redis' | 'redis+streams';

/** What one trial is given. */
export interface ArenaOptions {
  readonly seed: number;
  readonly tasks: number;
  readonly driver: DriverName;
  /** The suite's form: a few seconds. */
  readonly short: boolean;
  /** A protection taken away. */
  readonly sabotage?: string | undefined;
  /** Told of the schedule and of what happens. */
  readonly say?: ((line: string) => void) | undefined;
}

type WorkerOptions = Partial<Omit<WorkerStart, 'ledgers'>> & Pick<WorkerStart, 'url'>;

/** Where one trial takes place: its ledgers, servers, proxies, workers and producers, all ended by {@link Arena.close}. */
export class Arena {
  readonly options: ArenaOptions;
  readonly random: Random;
  readonly ledgers: string;
  readonly #ledger: Ledger;
  readonly #tail: LedgerTail;
  readonly #endings: (() => Promise<unknown>)[] = [];
  #workers = 0;

  constructor(options: ArenaOptions) {
    this.options = options;
    this.random = createRandom(options.seed);
    this.ledgers = mkdtempSync(join(tmpdir(), 'lovage-chaos-'));
    this.#ledger = new Ledger(this.ledgers, 'producer');
    this.#tail = new LedgerTail(this.ledgers);
  }

  get short(): boolean {
    return this.options.short;
  }

  get tasks(): number {
    return this.options.tasks;
  }

  /** The URL of the broker on this port, under the driver of the trial. */
  url(port: number): string {
    return `${this.options.driver}://127.0.0.1:${port}/0`;
  }

  /** How long results are waited for, in milliseconds: where a protection is off, some never come. */
  get maxWait(): number {
    return this.options.sabotage ? 3_500 : 60_000;
  }

  /** A bar on time: the suite's short forms share their machine with other tests, and get double. */
  bar(ms: number): number {
    return this.short ? ms * 2 : ms;
  }

  say(line: string): void {
    this.options.say?.(line);
  }

  /** Whether this protection is taken away. */
  without(sabotage: string): boolean {
    return this.options.sabotage === sabotage;
  }

  async redis(settings?: RedisSettings, mode?: readonly string[]): Promise<RedisNode> {
    const node = await RedisNode.start(settings, mode);
    this.onClose(() => node.stop());
    return node;
  }

  async proxy(target: number | (() => number)): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(target);
    this.onClose(() => proxy.stop());
    return proxy;
  }

  /** A `lovage worker` with five slots on the fast profile, unless said otherwise. Resolves when it consumes. */
  async worker(options: WorkerOptions, wait = true): Promise<WorkerProcess> {
    this.#workers += 1;
    const { sabotage } = this.options;
    const env = { ...(isDriverSabotage(sabotage) ? { CHAOS_SABOTAGE: sabotage } : {}), ...options.env };
    const start = { name: `w${this.#workers}`, slots: 5, ...options, env, ledgers: this.ledgers };
    const worker = await WorkerProcess.start(start, wait);
    this.onClose(() => worker.kill());
    return worker;
  }

  /** So many workers, started together. */
  workers(count: number, options: WorkerOptions): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.worker(options)));
  }

  load(options: Omit<LoadOptions, 'ledger'>): Load {
    const { sabotage } = this.options;
    const drivers = isDriverSabotage(sabotage) ? { drivers: sabotagedDrivers(sabotage) } : {};
    const load = new Load({ ...drivers, ...options, ledger: this.#ledger });
    this.onClose(() => load.close());
    return load;
  }

  onClose(end: () => Promise<unknown>): void {
    this.#endings.push(end);
  }

  /** Writes down what is done to whom. */
  fault(what: string, target: number | string = ''): void {
    this.#ledger.note('FAULT', what, { run: String(target) });
    this.say(`${what} ${target}`);
  }

  /** Kills a worker. It is written down when it is dead: what it has started, it has started before. */
  async kill(worker: Pick<WorkerProcess, 'pid' | 'kill'>): Promise<void> {
    await worker.kill();
    this.fault('kill', worker.pid);
  }

  /** Writes a line that no producer of ours writes. */
  note(kind: Kind, key: string, note?: Note): void {
    this.#ledger.note(kind, key, note);
  }

  /** How many runs have started. */
  runs(): number {
    return this.#tail.runs();
  }

  /** Resolves when so many runs have started. */
  async afterRuns(count: number, timeout = 60_000): Promise<void> {
    await until(() => this.runs() >= count, timeout, `${count} runs to have started, there are ${this.runs()}`);
  }

  /** Draws a schedule of the seed, and carries it out step by step. */
  async nemesis(plan: Plan, carryOut: (step: Step) => Promise<void>): Promise<void> {
    const schedule = drawSchedule(this.random, plan);
    this.say(`seed ${this.options.seed}: ${showSchedule(schedule)}`);
    for (const step of schedule) {
      await this.afterRuns(step.afterRuns);
      await carryOut(step);
    }
  }

  entries(): readonly Entry[] {
    return readLedgers(this.ledgers);
  }

  verdict(): Verdict {
    return check(this.entries());
  }

  async close(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end().catch(() => undefined); // the trial is over
    this.#ledger.close();
    rmSync(this.ledgers, { recursive: true, force: true });
  }
}
