// A Redis, a worker in a process of its own, and the check that follows each batch of mutations.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createFuzzApp, type FuzzApp } from '../apps/fuzz-app.ts';
import type { DriverName } from '../arena.ts';
import { keepChild } from '../processes/children.ts';
import { RedisNode } from '../processes/redis-node.ts';
import { hold, until, within } from '../until.ts';

const program = fileURLToPath(new URL('../../dist/apps/fuzz-app.js', import.meta.url));
/** Good tasks after each batch, and the milliseconds in which all must have ended. */
const goodTasks = 20;
const goodWithin = 10_000;
/** More commands than this in a window in which nothing is sent are a storm, when five windows in a row have them. */
const quietWindow = 500;
const quietMost = 2_000;

/** Settings of the worker under test. */
export interface BenchOptions {
  readonly driver: DriverName;
  readonly pool?: 'threads' | 'processes';
}

/** What the fuzzers act on. */
export class FuzzBench {
  readonly redis: RedisNode;
  readonly producer: FuzzApp;
  readonly #options: BenchOptions;
  #worker: ChildProcess | undefined;
  #exited: Promise<never> = new Promise(() => {});
  #lines: string[] = [];
  #fired = 0;

  private constructor(redis: RedisNode, options: BenchOptions) {
    this.redis = redis;
    this.#options = options;
    this.producer = createFuzzApp({ broker: this.#url, logLevel: 'silent' });
  }

  static async start(options: BenchOptions): Promise<FuzzBench> {
    const bench = new FuzzBench(await RedisNode.start(), options);
    await bench.startWorker();
    return bench;
  }

  get #url(): string {
    return `${this.#options.driver}://127.0.0.1:${this.redis.port}/0`;
  }

  /** Starts the worker, in the place of one that has ended. */
  async startWorker(): Promise<void> {
    const { pool } = this.#options;
    const settings = {
      name: 'fuzzed',
      concurrency: pool ? 4 : 50,
      queues: ['default', 'good'],
      events: true,
      lockDuration: '5s',
    };
    const options = JSON.stringify({ ...settings, ...(pool ? { pool } : {}) });
    const clean = Object.entries(process.env).filter(
      ([key]) => !/^(LOVAGE_|REDIS_URL|NODE_OPTIONS|VITEST|CHAOS_)/.test(key),
    );
    const child = spawn(process.execPath, [program], {
      env: { ...Object.fromEntries(clean), LOVAGE_BROKER_URL: this.#url, CHAOS_FUZZ_WORKER: options },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    keepChild(child);
    this.#worker = child;
    this.#lines = [];
    this.#exited = once(child, 'exit').then(() => Promise.reject(new Error('the worker has ended')));
    this.#exited.catch(() => {}); // looked at while good tasks run
    const ready = new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (bytes: Buffer) => {
        const text = bytes.toString();
        const fired = /fired (\d+)\n$/.exec(text)?.[1];
        if (fired === undefined) this.#lines.push(text);
        else this.#fired = Number(fired);
        if (this.#lines.length > 200) this.#lines.shift();
        if (text.includes('fuzz worker ready')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}: ${this.log}`)));
    });
    await within(ready, 30_000, 'the worker to be ready');
  }

  /** The last of what the worker said. */
  get log(): string {
    return this.#lines.join('').slice(-3_000);
  }

  get alive(): boolean {
    return this.#worker?.exitCode === null && this.#worker.signalCode === null;
  }

  /** Why the good tasks did not all end well in time; undefined: they did, and the worker lives. */
  async goodTasks(): Promise<string | undefined> {
    if (!this.alive) return 'the worker has ended';
    const tasks = Array.from({ length: goodTasks }, () => this.#goodTask());
    try {
      await within(Promise.race([Promise.all(tasks), this.#exited]), goodWithin, `${goodTasks} good tasks`);
      return undefined;
    } catch (error) {
      await Promise.allSettled(tasks.slice(0, this.alive ? goodTasks : 0)); // they end by their own time limit
      return String(error).slice(0, 500);
    }
  }

  /** Why the beat does not go on; undefined: it does. */
  async beatGoesOn(): Promise<string | undefined> {
    const before = this.#fired;
    try {
      await until(() => this.#fired !== before, goodWithin, 'the beat to fire');
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  async #goodTask(): Promise<void> {
    const result = await this.producer.app.sendTask('good', [1], { queue: 'good' });
    const value = await result.get({ timeout: goodWithin });
    if (value !== 2) throw new Error(`a good task gave ${JSON.stringify(value)}`);
  }

  /** Commands a second, when they stay above the bound while nothing is sent. */
  async storm(): Promise<number | undefined> {
    let rate = 0;
    for (let window = 0; window < 5; window += 1) {
      const before = await this.#commands();
      const began = performance.now();
      await hold(quietWindow);
      rate = ((await this.#commands()) - before) / ((performance.now() - began) / 1_000);
      if (rate <= quietMost / (quietWindow / 1_000)) return undefined;
    }
    return Math.round(rate);
  }

  async #commands(): Promise<number> {
    const info = await this.redis.client.info('stats');
    return Number(/total_commands_processed:(\d+)/.exec(info)?.[1]);
  }

  /** Puts a new worker in the place of the one that runs. */
  async restartWorker(): Promise<void> {
    await this.stopWorker();
    await this.startWorker();
  }

  /** Ends the worker as a crash would. */
  async stopWorker(): Promise<void> {
    const worker = this.#worker;
    if (!worker || !this.alive) return;
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    await this.producer.app.close();
    await this.stopWorker();
    await this.redis.stop();
  }
}
