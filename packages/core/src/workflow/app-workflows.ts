import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { Effect } from '../canvas/continuation.ts';
import { gateNamespace } from '../canvas/gate-keeper.ts';
import type { AnySignature, SignatureSender } from '../canvas/signature.ts';
import { TaskSignature } from '../canvas/task-signature.ts';
import type { Clock } from '../clock.ts';
import { blockedUntil } from '../driver/broker.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import type { RunFilter, RunHeader, StoredRun } from '../driver/workflow-store.ts';
import {
  ConfigurationError,
  DuplicateTaskError,
  NotSupportedError,
  RunStateError,
  UnknownRunError,
} from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { ErrorRegistry, Failure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import type { SizeLimit } from '../message/payload-codec.ts';
import { type OptionTable, oneOf, readOptions, text, wholeNumber } from '../options/option-reader.ts';
import type { Producer } from '../producer/publish.ts';
import { AsyncResult, type ResultContext } from '../results/async-result.ts';
import type { TaskDefinition, TaskRegistry } from '../task/task.ts';
import type { ChildBody } from './engine/inbox.ts';
import type { Request } from './engine/request.ts';
import { RunReach, type WorkflowStores } from './engine/run-wake.ts';
import { LateHost } from './late-host.ts';
import type { EntryKind } from './log-entry.ts';
import { Run } from './run.ts';
import { RunAdmin } from './run-admin.ts';
import { RunErrors } from './run-errors.ts';
import type { StartOptions, Workflow } from './workflow.ts';
import { defineWorkflow, type WorkflowCode, type WorkflowFunction, type WorkflowOptions } from './workflow-code.ts';

/** What the workflows of an app need of it. */
export interface AppWorkflowsOptions {
  readonly open: () => Promise<WorkflowStores>;
  readonly sharedRegistry: () => SharedRegistry | undefined;
  readonly clock: Clock;
  readonly brokerClock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly registry: TaskRegistry;
  readonly errors: ErrorRegistry;
  readonly producer: Producer;
  readonly results: ResultContext;
  readonly canvas: () => CanvasSender;
  readonly sender: () => SignatureSender;
  readonly plugins: OptionTable;
  readonly maxPayload: SizeLimit;
  readonly maxResult: SizeLimit;
  readonly crashBudget: number;
  readonly resultExpires: number;
}

/** Values of children up to this size, in characters of JSON, travel with the notification. */
const largestNotified = 8_192;
const stateOf = oneOf('SENT', 'RUNNING', 'PARKED', 'DIVERGED', 'SUCCESS', 'FAILURE', 'REVOKED');
const filterTable = { name: text, state: stateOf, limit: wholeNumber(1) };

/** Which runs `app.workflows.list` names. */
export interface RunListOptions {
  readonly name?: string;
  readonly state?: RunHeader['state'];
  /** @default 100 */
  readonly limit?: number;
}

/** How a run fits the code. */
export interface RunCheck {
  readonly id: string;
  readonly workflow: string;
  readonly version: string | undefined;
  readonly state: RunHeader['state'];
  /** undefined: it fits. */
  readonly problem: Error | undefined;
}

/** The workflows of an app, and the runs on its broker. */
export class AppWorkflows {
  readonly #options: AppWorkflowsOptions;
  readonly #codes = new Map<
    string,
    Map<string, { readonly code: WorkflowCode; readonly definition: TaskDefinition }>
  >();
  readonly #reach: RunReach;
  readonly #admin: RunAdmin;
  readonly #host: LateHost;

  constructor(options: AppWorkflowsOptions) {
    const announce = (id: string, requests: readonly Request[]) => this.#announce(id, requests);
    const withdraw = (id: string, keys: readonly string[]) => this.#withdraw(id, keys);
    this.#options = options;
    this.#reach = new RunReach(options);
    this.#admin = new RunAdmin({ ...options, reach: this.#reach });
    const cancelChild = (kind: EntryKind, id: string) => this.#cancelChild(kind, id);
    this.#host = new LateHost({ ...options, announce, withdraw, cancelChild });
  }

  /** See `app.workflow`. */
  define(given: WorkflowOptions, fn: WorkflowFunction): Workflow {
    let code: WorkflowCode | undefined;
    const definition = defineWorkflow(given, fn, {
      plugins: this.#options.plugins,
      handler: (made) => {
        code = made;
        return this.#host.handlerOf(made);
      },
    });
    this.#register(code as unknown as WorkflowCode, definition); // defineWorkflow asks for its handler
    return this.#handle(definition, fn);
  }

  /** See `app.run`. */
  run<T>(id: string): Run<T> {
    if (typeof id !== 'string' || id === '') throw new ConfigurationError('app.run(id): the id is a non-empty string');
    return this.#run(new AsyncResult<T>({ id, notifiesThisProcess: false }, this.#options.results));
  }

  /** Runs, the latest change first. Runs that no worker has taken so far are not among them. Throws {@link ConfigurationError}. */
  async list(given: RunListOptions = {}): Promise<readonly RunHeader[]> {
    const { name, state, limit = 100 } = readOptions(given, filterTable, 'workflows.list');
    const filter: RunFilter = {
      limit,
      ...(name === undefined ? {} : { name }),
      ...(state === undefined ? {} : { states: [state] }),
    };
    return (await this.#options.open()).store.list(filter);
  }

  /** Replays the logs of all open runs of this app's workflows against its code; runs no step and writes nothing. */
  async *check(): AsyncGenerator<RunCheck> {
    const { store } = await this.#options.open();
    const open = await store.list({
      limit: Number.MAX_SAFE_INTEGER,
      states: ['SENT', 'RUNNING', 'PARKED', 'DIVERGED'],
    });
    for (const { id } of open) {
      const run = await store.read(id);
      if (run && this.#codes.has(run.header.name)) yield await this.#check(run);
    }
  }

  /** Deletes what is stored of runs that have ended; returns how many there were. */
  async forget(ids: readonly string[]): Promise<number> {
    const { store } = await this.#options.open();
    return store.forget(ids);
  }

  /** The value, or the failure, of an event that was decided on as a gate. False where the id is none of a run's event. */
  async resolveEvent(
    gateId: string,
    body: { readonly value?: JsonValue; readonly failure?: Failure },
  ): Promise<boolean> {
    const slash = gateId.lastIndexOf('/');
    if (slash < 1) return false;
    const [id, key] = [gateId.slice(0, slash), gateId.slice(slash + 1)];
    if ((await this.#admin.find(id)) === undefined) return false;
    await this.#admin.send(id, key.replace(/#\d+$/, ''), body, `gate ${key}`);
    await this.#withdraw(id, [key]);
    return true;
  }

  /** A unit of a canvas ended that a run waits for. */
  async childEnded({ run, key, child, ending }: Extract<Effect, { do: 'wake' }>): Promise<void> {
    const body = JSON.stringify(childBody(child, ending));
    const small = body.length <= largestNotified && !('list' in ending && ending.list);
    const sent = small ? body : JSON.stringify({ id: child, stored: true } satisfies ChildBody);
    await this.#reach.deliver(run, { kind: 'child', name: key, key: `child ${key}`, body: sent });
  }

  /** Lets runs that were set aside try the code that this process has. */
  async resumeDiverged(): Promise<void> {
    if (this.#codes.size === 0) return;
    const { store } = await this.#options.open();
    for (const { id, name, queue } of await store.list({ limit: 10_000, states: ['DIVERGED'] })) {
      if (this.#codes.has(name)) await this.#reach.wake(id, queue);
    }
  }

  /** Loads what carries runs, where the app has workflows: no first run waits for it. */
  async prepare(): Promise<void> {
    if (this.#codes.size > 0) await this.#host.load();
  }

  /** The runs of a worker leave it as soon as no step of theirs runs. */
  drain(worker: string): void {
    this.#host.drain(worker);
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  /** The version that was defined last is the one that runs are started with; older ones carry on what they began. */
  #register(code: WorkflowCode, definition: TaskDefinition): void {
    const { registry } = this.#options;
    const codes = this.#codes.get(code.name) ?? new Map();
    const version = code.version ?? '';
    const isOther = codes.size === 0 && registry.get(code.name) !== undefined;
    if (isOther || codes.has(version)) throw new DuplicateTaskError(code.name);
    const first = codes.size === 0;
    codes.set(version, { code, definition });
    this.#codes.set(code.name, codes);
    const versions = new Map([...codes].filter(([name]) => name !== '').map(([name, one]) => [name, one.definition]));
    const latest = { ...definition, versions };
    if (first) registry.add(latest);
    else registry.replace(latest);
  }

  #handle({ name, options }: TaskDefinition, fn: WorkflowFunction): Workflow {
    const { registry, producer, sender } = this.#options;
    const current = (): TaskDefinition => registry.get(name) as TaskDefinition;
    const signature = (args: readonly unknown[], immutable: boolean): AnySignature =>
      new TaskSignature({ task: name, args, immutable }, sender(), current());
    const start = async (input: unknown, { id, link, linkError, ...rest }: StartOptions = {}): Promise<Run> => {
      const call = { ...rest, ...(id === undefined ? {} : { taskId: id }) };
      const plain = link === undefined && linkError === undefined;
      const callbacks = { ...(link === undefined ? {} : { link }), ...(linkError === undefined ? {} : { linkError }) };
      const result = plain
        ? await producer.send(current(), [input], call)
        : await signature([input], true).applyAsync([], { ...call, ...callbacks });
      return this.#run(result);
    };
    const workflow = {
      name,
      version: options.version,
      start,
      s: (...args: readonly unknown[]) => signature(args, false),
      si: (input: unknown) => signature([input], true),
      siInput: (input: unknown) => signature([input], true),
      run: fn,
    };
    return workflow as Workflow; // the signatures are typed by the interface
  }

  #run<T>(result: AsyncResult<T>): Run<T> {
    return new Run<T>({ result, admin: this.#admin, clock: this.#options.clock });
  }

  async #check(run: StoredRun): Promise<RunCheck> {
    const { id, name, version, state, call } = run.header;
    const found = this.#codes.get(name)?.get(version ?? '');
    const base = { id, workflow: name, version, state };
    if (found === undefined) {
      return {
        ...base,
        problem: new NotSupportedError(
          `no code for version "${version ?? ''}" of workflow "${name}": keep it until its runs have ended`,
        ),
      };
    }
    const { store } = await this.#options.open();
    const { clock, brokerClock, registry, errors, canvas, maxResult } = this.#options;
    const { args = [] } = JSON.parse(call) as { readonly args?: readonly JsonValue[] };
    const decoded = await found.definition.payload.args?.decode(args);
    const input = decoded?.ok ? (decoded.value as readonly unknown[])[0] : args[0];
    const { checkRun } = await import('./engine/run-check.ts');
    const problem = await checkRun(found.code, run, input, {
      store,
      clock,
      brokerClock,
      canvas: canvas(),
      payloadOf: (task) => registry.get(task)?.payload,
      errors: new RunErrors(errors, { taskId: id, task: name, attempts: 1 }),
      limits: { ...found.code.limits, maxResult: maxResult.bytes },
    });
    return { ...base, problem };
  }

  async #cancelChild(kind: EntryKind, id: string): Promise<void> {
    if (kind !== 'child') return void (await this.#options.canvas().revoke([id]));
    await this.#admin.cancel(id, 'the run that waits for it was cancelled').catch((error: unknown) => {
      if (!(error instanceof RunStateError || error instanceof UnknownRunError)) throw error; // it has ended
    });
  }

  /** Events that a parked run waits for are listed with the gates of canvases: whoever decides finds both in one place. */
  async #announce(id: string, requests: readonly Request[]): Promise<void> {
    const sharedRegistry = this.#options.sharedRegistry();
    for (const { key, wait, since } of requests) {
      if (sharedRegistry === undefined || wait?.event === undefined) continue;
      const until = wait.until ?? blockedUntil;
      const entry = { gate: wait.event.name, since, until, rootId: id };
      await sharedRegistry.put(gateNamespace, `${id}/${key}`, entry, Math.max(1, until - since) + 86_400_000);
    }
  }

  async #withdraw(id: string, keys: readonly string[]): Promise<void> {
    if (keys.length > 0)
      await this.#options.sharedRegistry()?.remove(
        gateNamespace,
        keys.map((key) => `${id}/${key}`),
      );
  }
}

function childBody(id: string, ending: Extract<Effect, { do: 'wake' }>['ending']): ChildBody {
  if (ending.state === 'SUCCESS') return ending.value === undefined ? { id } : { id, value: ending.value };
  if (ending.state === 'FAILURE') return { id, failure: ending.failure };
  const message = `task ${id} was revoked (${ending.reason})`;
  return {
    id,
    failure: { name: 'TaskRevokedError', message, data: { taskId: id, reason: ending.reason, code: 'TASK_REVOKED' } },
  };
}
