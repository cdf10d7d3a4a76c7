import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { Lovage } from '../../app/app.ts';
import { type AppRuntime, runtimeOf } from '../../app/app-runtime.ts';
import type { Task } from '../../app/task-handle.ts';
import { type Beat, startBeat } from '../../beat/beat.ts';
import { type Clock, systemClock } from '../../clock.ts';
import type { Message } from '../../message/message.ts';
import { type Duration, parseDuration } from '../../options/duration.ts';
import type { Handler } from '../../task/task.ts';
import { startWorker, type WorkerOptions } from '../../worker/start-worker.ts';
import type { Worker } from '../../worker/worker.ts';
import { createTestClock, type TestClock } from '../test-clock.ts';
import { Faults } from './faults.ts';
import { spyOn, type TaskSpy } from './test-double.ts';
import { TestDriver } from './test-driver.ts';

/** Options of {@link testApp}. */
export interface TestAppOptions {
  /** What the virtual clock begins with. @default now */
  readonly start?: Date | number;
  /** A call runs at once, with everything that follows from it, before `delay` resolves; Celery's `task_always_eager`. @default false */
  readonly eager?: boolean;
  /** The app's schedules fire as time passes. @default false */
  readonly beat?: boolean;
  /** Options of its worker. @default one that runs 8 tasks at once */
  readonly worker?: Pick<WorkerOptions, 'concurrency' | 'crashBudget' | 'unknownTaskGrace'>;
  /**
   * How long, in real milliseconds, a handler that waits for something real (a socket, a timer of its own) is waited for before the
   * virtual clock goes on beside it. @default 250
   */
  readonly realWait?: number;
}

/** A task that was sent. */
export interface SentTask {
  readonly id: string;
  readonly task: string;
  /** As they cross the wire: JSON. */
  readonly args: readonly unknown[];
  readonly queue: string;
  readonly priority: number;
  /** When it may begin, where it is delayed. */
  readonly eta?: Date;
  /** The whole message. */
  readonly message: Message;
}

/** Which sent tasks are meant. */
export interface SentMatch {
  /** How many there are to be. @default at least one */
  readonly times?: number;
  readonly queue?: string;
}

/** How far time is moved. */
interface DriveOptions {
  /** To the limit, whatever there is to run. */
  readonly toTheEnd?: boolean;
  /** No further than to the moment at which the queues are empty. */
  readonly untilEmpty?: boolean;
}

type AnyTask = { readonly name: string } | string;
type Runnable<T> = Promise<T> | { get(): Promise<T> } | (() => Promise<T>);

/** How many timers may pass without anything coming of it: of maintenance alone, and of the program's own. */
const longestIdle = { maintenance: 40, program: 3_000 };
/** How far {@link TestApp.run} moves the clock at most: a year. */
const longestRun = 365 * 86_400_000;

/** An app under test: its tasks run in this process, on a virtual clock, when the test says so. */
export class TestApp {
  /** The virtual clock: `now()` is its time, epoch ms. */
  readonly clock: TestClock;
  /** Failures to try: a lost reply, a killed worker, a second run. */
  readonly faults: Faults;
  readonly #runtime: AppRuntime;
  readonly #driver: TestDriver;
  readonly #options: TestAppOptions;
  readonly #before: Clock;
  readonly #spies: TaskSpy[] = [];
  readonly #worker: Promise<Worker>;
  readonly #beat: Promise<Beat> | undefined;
  #driving = false;

  /** @internal Made by {@link testApp}. */
  constructor(parts: {
    readonly app: Lovage;
    readonly clock: TestClock;
    readonly driver: TestDriver;
    readonly faults: Faults;
    readonly options: TestAppOptions;
    readonly before: Clock;
  }) {
    const { app, clock, driver, faults, options, before } = parts;
    [this.clock, this.#driver, this.faults, this.#options] = [clock, driver, faults, options];
    this.#before = before;
    this.#runtime = runtimeOf(app);
    this.#worker = startWorker(app, {
      lockDuration: '30s',
      ...options.worker,
      pool: 'async',
      name: 'test',
      remoteControl: false,
    });
    this.#beat = options.beat ? startBeat(app, { elect: false, refresh: '1d' }) : undefined;
    if (options.eager) driver.onPublish = () => this.#runEagerly();
  }

  /** @internal Resolves when it can be used. */
  async ready(): Promise<this> {
    await Promise.all([this.#worker, this.#beat]);
    return this;
  }

  /** The virtual time. */
  get now(): Date {
    return new Date(this.clock.now());
  }

  /** The tasks that were sent and have not begun: they wait, or are delayed. Of one task, or all. */
  enqueued(task?: AnyTask): readonly SentTask[] {
    return this.sent(task).filter(({ id }) => !this.#driver.begun.has(id));
  }

  /** All tasks that were sent since it was made, also those that ran. Of one task, or all. */
  sent(task?: AnyTask): readonly SentTask[] {
    const name = task === undefined ? undefined : nameOf(task);
    const seen = new Set<string>();
    return this.#driver.published.flatMap((message) => {
      if ((name !== undefined && message.task !== name) || seen.has(message.id)) return [];
      seen.add(message.id);
      return [toSent(message)];
    });
  }

  /**
   * Lets tasks run and time pass until `work` settles, and settles as it does: a promise, a result, or a function that makes a promise.
   * Throws an error that says so when nothing is left that could settle it.
   */
  async run<T>(work: Runnable<T>): Promise<T> {
    const promise = typeof work === 'function' ? Promise.resolve().then(work) : 'get' in work ? work.get() : work;
    let settled = false;
    const end = (): void => {
      settled = true;
    };
    promise.then(end, end);
    const done = await this.#drive(() => settled, this.clock.now() + longestRun);
    if (!done) {
      promise.catch(() => {}); // nobody will see how it ends
      throw new Error(
        `testApp: nothing is left to run, and what was waited for has not settled (${this.#leftovers()})`,
      );
    }
    return promise;
  }

  /**
   * Runs all that waits, and what follows from it: retries, delayed tasks, steps of canvases. Time passes as far as that takes.
   * `delayed: false` leaves what is not due now.
   */
  async runAll({ delayed = true }: { readonly delayed?: boolean } = {}): Promise<void> {
    const limit = delayed ? this.clock.now() + longestRun : this.clock.now();
    await this.#drive(() => false, limit, { untilEmpty: true });
  }

  /** Lets that much time pass, running what becomes due at its moment; schedules too, with `beat`. */
  async advance(duration: Duration): Promise<void> {
    const until = this.clock.now() + parseDuration(duration, 'testApp: advance');
    await this.#drive(() => false, until, { toTheEnd: true });
  }

  /** Records the runs of a task, which go on as they are. */
  spy<Args extends readonly unknown[]>(task: Task<Args, never, never, never> | AnyTask): TaskSpy<Args> {
    return this.#double(nameOf(task), undefined) as TaskSpy<Args>;
  }

  /** Runs `replacement` in the place of a task's handler, with the task's arguments; records the runs. Also tasks of other services. */
  fake(task: AnyTask, replacement: Handler): TaskSpy {
    return this.#double(nameOf(task), replacement);
  }

  /** Throws an AssertionError unless the task waits, with these arguments if they are given. */
  assertEnqueued(task: AnyTask, args?: readonly unknown[], match: SentMatch = {}): void {
    this.#assertSent(this.enqueued(task), { what: 'enqueued', name: nameOf(task), args, match });
  }

  /** Throws an AssertionError unless the task was sent, whether or not it ran. */
  assertSent(task: AnyTask, args?: readonly unknown[], match: SentMatch = {}): void {
    this.#assertSent(this.sent(task), { what: 'sent', name: nameOf(task), args, match });
  }

  /** Throws an AssertionError when the task waits; without a task, when any does. */
  assertNotEnqueued(task?: AnyTask): void {
    const found = this.enqueued(task).map(describe);
    if (found.length === 0) return;
    const message = `expected ${task === undefined ? 'no task' : `task "${nameOf(task)}" not`} to be enqueued, found ${found.join(', ')}`;
    throw new AssertionError({ message, actual: found, expected: [], operator: 'assertNotEnqueued' });
  }

  /** Puts every handler back and gives the app its own broker and clock again: the next test makes a test app of its own. */
  async close(): Promise<void> {
    for (const spy of this.#spies.splice(0).reverse()) spy.restore();
    this.#driver.onPublish = async () => {};
    await (await this.#beat)?.close();
    const closing = (await this.#worker).close({ drain: 0 });
    await this.#settle(closing);
    const { results, stores, clock, brokerClock } = this.#runtime;
    await results.inbox.reset();
    await stores.replace(undefined);
    clock.current = this.#before;
    brokerClock.reset();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #double(name: string, replacement: Handler | undefined): TaskSpy {
    const spy = spyOn(this.#runtime, name, replacement);
    this.#spies.push(spy);
    return spy;
  }

  #assertSent(
    sent: readonly SentTask[],
    asked: {
      readonly what: string;
      readonly name: string;
      readonly args: readonly unknown[] | undefined;
      readonly match: SentMatch;
    },
  ): void {
    const { what, name, args, match } = asked;
    const fitting = sent.filter(
      (one) =>
        (args === undefined || isDeepStrictEqual(one.args, args)) &&
        (match.queue === undefined || one.queue === match.queue),
    );
    if (match.times === undefined ? fitting.length > 0 : fitting.length === match.times) return;
    const often = match.times === undefined ? '' : ` ${match.times} times`;
    const found = sent.length === 0 ? 'it was not' : `found ${sent.map(describe).join(', ')}`;
    throw new AssertionError({
      message: `expected task "${name}" to be ${what}${often}${args === undefined ? '' : ` with ${JSON.stringify(args)}`}: ${found}`,
      actual: sent.map((one) => one.args),
      expected: args === undefined ? 'at least one' : [args],
      operator: 'assertEnqueued',
    });
  }

  /** What a call does before it resolves, in eager mode; calls of the tasks that it runs only join. */
  async #runEagerly(): Promise<void> {
    if (!this.#driving) await this.runAll();
  }

  /** Runs and moves the clock until `done`, until nothing is left, or up to `limit`. True when done. */
  async #drive(done: () => boolean, limit: number, how: DriveOptions = {}): Promise<boolean> {
    if (this.#driving) throw new Error('testApp: run, runAll and advance do not nest: await the one before');
    this.#driving = true;
    await this.#consumeAll();
    this.#driver.flow(true);
    try {
      await this.#turnByTurn(done, limit, how);
      if (how.toTheEnd && this.clock.now() < limit) await this.clock.leap(limit - this.clock.now());
      await this.#rest(done);
      return done();
    } finally {
      this.#driver.flow(false);
      this.#driving = false;
    }
  }

  async #turnByTurn(done: () => boolean, limit: number, how: DriveOptions): Promise<void> {
    let progress = -1;
    for (let idle = 0; ; idle += 1) {
      await this.#rest(done);
      if (done()) return;
      await this.#consumeAll();
      if (this.#driver.progress !== progress) [progress, idle] = [this.#driver.progress, 0];
      if (how.untilEmpty && (await this.#driver.isEmpty())) return;
      const next = this.clock.next();
      const longest = next === undefined ? longestIdle.maintenance : longestIdle.program;
      if (idle >= longest && !how.toTheEnd) return;
      if (!(await this.#moveOn(next, limit, how))) return;
    }
  }

  /** Queues that were named by a call alone have no consumer else. */
  async #consumeAll(): Promise<void> {
    const worker = await this.#worker;
    const consumed = new Set(worker.report().queues);
    for (const queue of this.#driver.queues) if (!consumed.has(queue)) await worker.addQueue(queue);
  }

  /** Lets what is due run. Handlers under way are waited for, in real time, for a while. */
  async #rest(done: () => boolean): Promise<void> {
    const { realWait = 250 } = this.#options;
    let since = systemClock.monotonic();
    let before = -1;
    for (;;) {
      await this.clock.leap(0);
      if (done()) return;
      const { running, progress } = this.#driver;
      if (progress !== before) [before, since] = [progress, systemClock.monotonic()];
      else if (running === 0 || systemClock.monotonic() - since > realWait) return;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Moves the clock to what comes next; to maintenance, which may find a lost lease or a free place, when that is all. False: not before `limit`. */
  async #moveOn(next: number | undefined, limit: number, { toTheEnd }: DriveOptions): Promise<boolean> {
    const at = next ?? (toTheEnd ? undefined : this.clock.next('maintenance'));
    if (at === undefined || at > limit) return false;
    await this.clock.leap(Math.max(0, at - this.clock.now()));
    return true;
  }

  /** Moves the clock while something of its own ends. */
  async #settle(work: Promise<unknown>): Promise<void> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    work.then(end, end);
    for (let turn = 0; turn < longestIdle.maintenance && !over; turn += 1) {
      await this.clock.leap(0);
      const next = this.clock.next() ?? this.clock.next('maintenance');
      if (!over && next !== undefined) await this.clock.leap(Math.max(0, next - this.clock.now()));
    }
    await work;
  }

  #leftovers(): string {
    const waiting = this.enqueued().map(describe);
    const running = this.#driver.running > 0 ? `${this.#driver.running} handlers still run` : 'no handler runs';
    return waiting.length === 0 ? running : `${running}; waiting: ${waiting.slice(0, 5).join(', ')}`;
  }
}

/**
 * Puts an app's calls and tasks on a store in this process and a virtual clock, until `close()`. Call it before the app is first used
 * in a test. Throws {@link ConfigurationError} when the app is in use. Its other options (routes, plugins, schemas) stay.
 */
export async function testApp(app: Lovage, options: TestAppOptions = {}): Promise<TestApp> {
  const runtime = runtimeOf(app);
  const faults = new Faults();
  const driver = new TestDriver(faults);
  await runtime.stores.replace(driver.driver);
  const before = runtime.clock.current;
  const clock = createTestClock(Number(options.start ?? Date.now()));
  runtime.clock.current = clock;
  runtime.brokerClock.reset();
  return new TestApp({ app, clock, driver, faults, options, before }).ready();
}

function nameOf(task: AnyTask): string {
  return typeof task === 'string' ? task : task.name;
}

function toSent(message: Message): SentTask {
  const { id, task, args, queue, priority, eta } = message;
  return { id, task, args, queue, priority, ...(eta === undefined ? {} : { eta: new Date(eta) }), message };
}

function describe({ task, args, eta }: SentTask): string {
  return `${task}(${args.map((arg) => JSON.stringify(arg)).join(', ')})${eta ? ` at ${eta.toISOString()}` : ''}`;
}
