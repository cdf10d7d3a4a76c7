import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runtimeOf } from '../src/app/app-runtime.ts';
import { Lovage } from '../src/index.ts';
import { Inspector } from '../src/inspect.ts';
import { silentLogger } from '../src/logger.ts';
import type { AsyncResult } from '../src/results/async-result.ts';
import { createTestClock, deferred } from '../src/testing.ts';
import { startWorker, type Worker } from '../src/worker.ts';
import { rules, type Step, steps, UniqueModel } from './unique-model.ts';

const seed = Number(process.env['UNIQUE_SEED'] ?? 20_261_126);
const numRuns = Number(process.env['UNIQUE_RUNS'] ?? 40);

describe(`unique against its model (UNIQUE_SEED=${seed} UNIQUE_RUNS=${numRuns})`, { timeout: 120_000 }, () => {
  it.each(rules)(
    'scope $scope, onConflict $onConflict: every call is answered, and every task runs, as it says',
    async (rule) => {
      const check = fc.asyncProperty(steps, async (run) => {
        await using world = await World.open(rule);
        for (const step of run) await world.take(step);
        await world.finish();
      });
      await fc.assert(check, { seed, numRuns, verbose: 1 });
    },
  );
});

type Ending = Extract<Step, { kind: 'end' }>['how'];

/** An app, its worker and its model, on a clock of their own. */
class World {
  readonly #clock = createTestClock();
  readonly #model: UniqueModel;
  readonly #app: Lovage;
  readonly #running = new Map<string, (how: Ending) => void>();
  readonly #results = new Map<string, AsyncResult>();
  readonly #task;
  readonly #worker: Promise<Worker>;

  private constructor(rule: (typeof rules)[number]) {
    this.#model = new UniqueModel(rule);
    this.#app = new Lovage('model', { broker: 'memory://', clock: this.#clock, logger: silentLogger });
    const unique = { ...rule, key: ([key]: readonly string[]) => key };
    this.#task = this.#app.task({ name: 't', bind: true, unique, maxRetries: null }, async (self, key: string) => {
      const ending = deferred<Ending>();
      this.#running.set(self.id, ending.resolve);
      self.signal.addEventListener('abort', () => this.#running.delete(self.id), { once: true });
      const how = await ending.promise;
      this.#running.delete(self.id);
      if (how === 'retry') self.retry({ countdown: 0 });
      if (how === 'fail') throw new Error(key);
      return key;
    });
    this.#worker = startWorker(this.#app, { queues: ['none'], concurrency: 100, drain: 0 });
  }

  static async open(rule: (typeof rules)[number]): Promise<World> {
    const world = new World(rule);
    await world.#worker;
    return world;
  }

  async take(step: Step): Promise<void> {
    await this.#do(step);
    await this.#settle();
  }

  /** Everything runs to its end; then every key is free, and every id that was handed out has ended. */
  async finish(): Promise<void> {
    await this.take({ kind: 'consume', on: true });
    while (this.#running.size > 0) {
      for (const key of this.#model.keys) await this.#do({ kind: 'end', key, how: 'ok' });
      await this.#settle();
    }
    for (const [id, result] of this.#results) expect(await result.ready(), `${id} has ended`).toBe(true);
    for (const key of ['a', 'b'])
      expect(this.#results.has((await this.#task.delay(key)).id), `${key} is free`).toBe(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.#app.close();
    await this.#clock.advance(60_000);
    await closing;
  }

  async #do(step: Step): Promise<void> {
    const model = this.#model;
    switch (step.kind) {
      case 'call':
        return this.#call(step.key);
      case 'die':
        await this.#dieSending(step.key);
        return step.followed && model.answer(step.key) === 'new' ? this.#callBehindTheDead(step.key) : undefined;
      case 'end': {
        const [id] = model.of(step.key, 'running');
        if (id === undefined) return;
        this.#running.get(id)?.(step.how);
        model.set(id, step.how === 'retry' ? 'again' : 'over');
        return;
      }
      case 'revoke': {
        const live = model.of(step.key, 'waiting', 'again', 'running');
        const id = live[step.nth % Math.max(1, live.length)];
        if (id === undefined) return;
        const revoking = this.#results.get(id)?.revoke({ terminate: true });
        await this.#clock.advance(2_000);
        await revoking;
        return model.set(id, 'over');
      }
      case 'purge':
        await new Inspector(this.#app).purge('default');
        for (const id of model.all('waiting', 'again')) model.set(id, 'over');
        return;
      case 'consume':
        await (step.on ? (await this.#worker).addQueue('default') : (await this.#worker).removeQueue('default'));
        model.consuming = step.on;
        return;
      default:
        step satisfies never;
    }
  }

  async #call(key: string): Promise<void> {
    const expected = this.#model.answer(key);
    const got = await this.#task.delay(key).catch((error: { taskId?: string; name: string }) => error);
    if (expected !== 'new')
      return void expect('taskId' in got ? got.taskId : (got as AsyncResult).id).toBe(expected.holder);
    const result = got as AsyncResult;
    expect(this.#results.has(result.id), `a new task for ${key}`).toBe(false);
    this.#results.set(result.id, result);
    this.#model.sent(key, result.id);
  }

  /** The key is taken, and what should be sent never is. */
  async #dieSending(key: string): Promise<void> {
    const { broker } = await runtimeOf(this.#app).stores.open();
    const publish = broker.publish.bind(broker);
    broker.publish = () => new Promise(() => {});
    void this.#task.delay(key).catch(() => {}); // the task that holds the key answers, or nobody ever does
    await this.#clock.advance(1);
    broker.publish = publish;
  }

  /** Before anybody can know that it died: its task is sent for it, it is refused for its sake, or replaced. */
  async #callBehindTheDead(key: string): Promise<void> {
    const result = await this.#task.delay(key).catch(() => undefined);
    if (result === undefined) return; // reject: the dead one's claim is believed for a while
    this.#results.set(result.id, result);
    this.#model.sent(key, result.id);
  }

  /** Time passes: claims of the dead run out, those who wait for their turn look again. */
  async #settle(): Promise<void> {
    await this.#clock.advance(20_000);
    this.#model.settle();
    await this.#clock.advance(20_000);
    expect([...this.#running.keys()].sort(), 'what runs').toEqual([...this.#model.all('running')].sort());
    const ended = this.#model.all('over');
    for (const id of ended) expect(await this.#results.get(id)?.ready(), `${id} has ended`).toBe(true);
  }
}
