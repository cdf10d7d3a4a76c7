import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { Clock, Timer } from '../clock.ts';
import { blockedUntil } from '../driver/broker.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { isWorkflowEnded, type TakenRun } from '../driver/workflow-store.ts';
import { ConfigurationError, NotSupportedError, WorkerLostError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { Concluded, Postpone } from '../message/control-signal.ts';
import { type ErrorRegistry, toFailure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import { isFinal, type Outcome } from '../message/outcome.ts';
import { encodeArgs, encodeResult, type SizeLimit } from '../message/payload-codec.ts';
import { newTaskId } from '../message/task-id.ts';
import { listValues } from '../results/list-values.ts';
import { outcomeTtl } from '../results/outcome-writer.ts';
import { type TaskDefinition, type TaskRegistry, versionOf } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';
import { createContext } from './engine/create-context.ts';
import type { Completion, Request, RunEnd } from './engine/request.ts';
import { RunEngine } from './engine/run-engine.ts';
import { hostTopic, type WorkflowStores } from './engine/run-wake.ts';
import { type EntryKind, markSign } from './log-entry.ts';
import { RunErrors } from './run-errors.ts';
import { readCall, writeCall } from './stored-call.ts';
import type { WorkflowCode } from './workflow-code.ts';

/** What holding runs needs. */
export interface RunHostOptions {
  readonly open: () => Promise<WorkflowStores>;
  readonly clock: Clock;
  readonly brokerClock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly registry: TaskRegistry;
  readonly errors: ErrorRegistry;
  readonly canvas: () => CanvasSender;
  readonly maxPayload: SizeLimit;
  readonly maxResult: SizeLimit;
  readonly crashBudget: number;
  /** Lists the events that a parked run waits for; and takes them off the list. */
  readonly announce: (id: string, requests: readonly Request[]) => Promise<void>;
  readonly withdraw: (id: string, keys: readonly string[]) => Promise<void>;
  /** Cancels what a run waits for. */
  readonly cancelChild: (kind: EntryKind, id: string) => Promise<void>;
  /** How long an ended run is kept, in milliseconds. */
  readonly resultExpires: number;
}

/** A failed run is kept at least that long, as failures are. */
/** Runs that are held look into their inboxes that often, should a notification be lost; milliseconds. */
const lookInterval = 2_000;
/** How long a run waits for a worker with its code, at a time. */
const versionPause = 5_000;

interface Held {
  readonly engine: RunEngine;
  readonly worker: string;
}

/** The runs that this process holds: takes them, carries them, and writes down how that ended. */
export class RunHost {
  readonly #options: RunHostOptions;
  readonly #name = newTaskId();
  readonly #held = new Map<string, Held>();
  readonly #draining = new Set<string>();
  #listening: Promise<Subscription | undefined> | undefined;
  #timer: Timer | undefined;

  constructor(options: RunHostOptions) {
    this.#options = options;
  }

  /** The handler of a workflow: throws how the taking of the run ended. */
  handlerOf(code: WorkflowCode): (self: TaskContext, input: unknown) => Promise<never> {
    return (self, input) => this.#carry(code, self, input);
  }

  /** The runs of a worker leave it as soon as no step of theirs runs. */
  drain(worker: string): void {
    this.#draining.add(worker);
    for (const held of this.#held.values()) if (held.worker === worker) held.engine.drain();
  }

  /** Ends what listens. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    const subscription = await this.#listening?.catch(() => undefined);
    await subscription?.close().catch(() => undefined); // its connection goes with the app
  }

  async #carry(code: WorkflowCode, self: TaskContext, input: unknown): Promise<never> {
    if (self.queue === '')
      throw new ConfigurationError(
        `workflow "${code.name}" cannot be called in process: start a run with its start(input)`,
      );
    const stores = await this.#options.open();
    await this.#listen(stores);
    const taken = await this.#take(stores, code, self);
    const { header } = taken;
    if (isWorkflowEnded(header.state))
      throw new Concluded(JSON.parse(header.outcome ?? '{"state":"SUCCESS"}') as Outcome);
    const definition = this.#definitionOf(code, taken);
    if (definition === undefined) throw new Postpone(this.#now + versionPause);
    const engine = this.#engineOf(code, { taken, stores, self });
    if (taken.lost > this.#options.crashBudget)
      return this.#conclude({ engine, self, definition }, this.#lostEnd(taken, self.id));
    const { canvas, registry } = this.#options;
    const payloadOf = (task: string) => registry.get(task)?.payload;
    const w = createContext({ engine, self, canvas: canvas(), payloadOf });
    await this.#withdrawEvents(engine, taken);
    this.#hold(self, engine);
    const end = await engine.run(async () => code.run(w, await this.#inputOf(definition, taken, { self, input })));
    this.#held.delete(self.id);
    return this.#conclude({ engine, self, definition }, end);
  }

  #take({ store }: WorkflowStores, { name, version }: WorkflowCode, self: TaskContext): Promise<TakenRun> {
    const { id, queue, priority, headers, stamps, args } = self;
    const call = writeCall({ args, priority, headers, stamps });
    const lost = self.deliveryCount > 1;
    return store.take({
      id,
      name,
      queue,
      call,
      host: this.#name,
      now: this.#now,
      lost,
      ...(version === undefined ? {} : { version }),
    });
  }

  /** A run keeps the version it began with, whatever its message says. */
  #definitionOf(code: WorkflowCode, { header }: TakenRun): TaskDefinition | undefined {
    const definition = this.#options.registry.get(code.name);
    const version = header.version ?? code.version;
    return definition && (version === code.version ? versionOf(definition, version) : undefined);
  }

  #engineOf(code: WorkflowCode, { taken, stores, self }: Taking): RunEngine {
    const { clock, brokerClock, logger, errors, maxResult } = this.#options;
    const context = { taskId: self.id, task: code.name, attempts: self.deliveryCount };
    return new RunEngine({
      taken,
      version: code.version,
      store: stores.store,
      clock,
      brokerClock,
      logger,
      errors: new RunErrors(errors, context),
      limits: { ...code.limits, maxResult: maxResult.bytes },
      signal: self.signal,
      readChild: (id) => readChild(stores, id),
      cancelChild: this.#options.cancelChild,
    });
  }

  /** What the run was started with, or continued as: the message may be older than that. */
  async #inputOf(
    definition: TaskDefinition,
    { header }: TakenRun,
    { self, input }: { readonly self: TaskContext; readonly input: unknown },
  ): Promise<unknown> {
    const { args } = readCall(header.call);
    if (JSON.stringify(args) === JSON.stringify(self.args)) return input;
    const decoded = await definition.payload.args?.decode(args);
    if (decoded === undefined) return args[0];
    return decoded.ok ? (decoded.value as readonly unknown[])[0] : args[0];
  }

  #lostEnd({ lost }: TakenRun, id: string): RunEnd {
    const error = new WorkerLostError(
      `the run was given up: its worker was lost ${lost} times in a row before it recorded anything (crashBudget ${this.#options.crashBudget})`,
      id,
    );
    return { kind: 'failed', failure: toFailure(error) };
  }

  #hold(self: TaskContext, engine: RunEngine): void {
    this.#held.set(self.id, { engine, worker: self.worker });
    if (this.#draining.has(self.worker)) engine.drain();
    if (this.#timer === undefined) this.#look();
  }

  /** Looks into the inboxes of the runs that are held, for as long as there are any. */
  #look(): void {
    this.#timer = this.#options.clock.after(
      lookInterval,
      () => {
        this.#timer = undefined;
        if (this.#held.size === 0) return;
        for (const { engine } of this.#held.values()) void engine.refresh(); // never rejects
        this.#look();
      },
      { background: true },
    );
  }

  /** Without a bus, or while it does not answer, runs look by themselves. */
  async #listen({ bus }: WorkflowStores): Promise<void> {
    this.#listening ??= Promise.resolve(
      bus?.subscribe(hostTopic(this.#name), (id) => {
        void this.#held.get(String(id))?.engine.refresh(); // never rejects
      }),
    );
    await this.#listening.catch((error: unknown) => {
      this.#listening = undefined;
      this.#options.logger.warn('cannot hear of events for workflow runs: they look by themselves', { error });
    });
  }

  async #conclude(run: Concluding, end: RunEnd): Promise<never> {
    switch (end.kind) {
      case 'parked':
        await this.#announceEvents(run.engine);
        throw new Postpone(end.at);
      case 'released':
      case 'fenced':
        return this.#giveBack(run, end.kind);
      case 'diverged':
        return this.#setAside(run, end.error);
      case 'continued':
        return this.#continue(run, end.input);
      case 'value':
        return this.#finish(run, await this.#encoded(run, end.value));
      case 'failed':
        return this.#finish(run, { state: 'FAILURE', failure: end.failure }, end.key);
      case 'revoked':
        return this.#finish(run, { state: 'REVOKED', reason: end.reason });
      default:
        return end satisfies never;
    }
  }

  /** A list that cannot be written does not stop a run. */
  async #announceEvents({ id, requests }: RunEngine): Promise<void> {
    const waiting = [...requests].filter(({ wait }) => wait?.event !== undefined);
    if (waiting.length === 0) return;
    await this.#options
      .announce(id, waiting)
      .catch((error: unknown) =>
        this.#options.logger.warn('could not list the events that a run waits for', { taskId: id, error }),
      );
  }

  async #withdrawEvents({ id }: RunEngine, { log }: TakenRun): Promise<void> {
    const keys = [...log].flatMap(([key, mark]) =>
      key.startsWith(markSign) && mark.includes('"event"') ? [key.slice(1)] : [],
    );
    if (keys.length > 0) await this.#options.withdraw(id, keys).catch(() => undefined); // an entry too much runs out by itself
  }

  async #encoded({ definition }: Concluding, value: unknown): Promise<Outcome> {
    try {
      const encoded = await encodeResult(definition.payload, value, this.#options.maxResult);
      return encoded === undefined ? { state: 'SUCCESS' } : { state: 'SUCCESS', value: encoded };
    } catch (error) {
      return { state: 'FAILURE', failure: toFailure(error) };
    }
  }

  /** The outcome is written into the log first, under the fence: of two workers one decides how a run ended. */
  async #finish(run: Concluding, outcome: Outcome, key?: string): Promise<never> {
    const { engine, definition } = run;
    const { state } = outcome;
    const asked = definition.options.resultExpires ?? this.#options.resultExpires;
    const reply = await engine.journal.write({
      header: { state, outcome: JSON.stringify(outcome), updatedAt: this.#now, note: key, wakeAt: undefined },
      ttl: outcomeTtl(state, asked),
    });
    if (reply !== 'done') return this.#giveBack(run, reply);
    throw new Concluded(outcome);
  }

  async #setAside(run: Concluding, error: Error): Promise<never> {
    this.#options.logger.error(error.message, { taskId: run.engine.id });
    const header = { state: 'DIVERGED', updatedAt: this.#now, note: error.message } as const;
    const reply = await run.engine.journal.write({ header });
    if (reply !== 'done') return this.#giveBack(run, reply);
    throw new Postpone(blockedUntil);
  }

  async #continue(run: Concluding, input: unknown): Promise<never> {
    const { engine, self, definition } = run;
    let args: readonly JsonValue[];
    try {
      args = await encodeArgs(definition.payload, [input], this.#options.maxPayload);
    } catch (error) {
      return this.#finish(run, { state: 'FAILURE', failure: toFailure(error) });
    }
    const call = writeCall({ ...readCall(engine.options.taken.header.call), args });
    const reply = await engine.journal.write({ clear: true, header: { call, state: 'PARKED', updatedAt: this.#now } });
    if (reply !== 'done') return this.#giveBack(run, reply);
    self.log.debug('the run continues with another input');
    throw new Postpone(this.#now, args);
  }

  /** The message goes back unspent. */
  #giveBack({ self }: Concluding, why: string): never {
    if (why === 'fenced')
      this.#options.logger.warn('another worker has taken a run that this one held', { taskId: self.id });
    throw new Postpone(this.#now);
  }

  get #now(): number {
    return Math.round(this.#options.brokerClock.now());
  }
}

interface Taking {
  readonly taken: TakenRun;
  readonly stores: WorkflowStores;
  readonly self: TaskContext;
}

interface Concluding {
  readonly engine: RunEngine;
  readonly self: TaskContext;
  readonly definition: TaskDefinition;
}

/** How a child ended, by its record. */
async function readChild({ results }: WorkflowStores, id: string): Promise<Completion['result']> {
  const [record] = await results.get([id]);
  if (record === undefined || !isFinal(record)) throw new NotSupportedError(`the result of ${id} is gone`);
  if (record.list)
    return { value: (await listValues(record.list, { results, read: ({ value }) => value ?? null })) as JsonValue };
  if (record.failure) return { failure: record.failure };
  return record.value === undefined ? {} : { value: record.value };
}
