import { type Clock, sleep } from '../clock.ts';
import { isWorkflowEnded, type WorkflowState } from '../driver/workflow-store.ts';
import type { JsonValue } from '../message/json.ts';
import type { AsyncResult, GetOptions } from '../results/async-result.ts';
import type { RunAdmin } from './run-admin.ts';
import { type RunStep, timelineOf } from './timeline.ts';

/** What a run's handle needs. */
export interface RunParts<T> {
  readonly result: AsyncResult<T>;
  readonly admin: RunAdmin;
  readonly clock: Clock;
}

/** How a run stands. */
export interface RunStatus {
  readonly id: string;
  /** The name of its workflow; '' while no worker has taken it. */
  readonly workflow: string;
  readonly version: string | undefined;
  readonly state: WorkflowState;
  readonly startedAt: Date | undefined;
  readonly updatedAt: Date | undefined;
  /** Parked: when it wakes by itself. */
  readonly wakeAt: Date | undefined;
  /** Parked: what it waits for. Diverged: how. Failed: the key of the step. */
  readonly note: string | undefined;
  /** Events that wait for code that takes them, by name. */
  readonly events: readonly { readonly name: string; readonly payload: JsonValue }[];
}

const look = { first: 50, longest: 1_000 };

/** A run of a workflow, from outside; `workflow.start()` makes it, `app.run(id)` in any process. */
export class Run<T = unknown> {
  readonly id: string;
  /** The run as a task. */
  readonly result: AsyncResult<T>;
  readonly #admin: RunAdmin;
  readonly #clock: Clock;

  /** @internal */
  constructor({ result, admin, clock }: RunParts<T>) {
    this.id = result.id;
    this.result = result;
    this.#admin = admin;
    this.#clock = clock;
  }

  /** The output. Throws as {@link AsyncResult.get} does: {@link TaskFailedError}, {@link TaskRevokedError} after a cancel, … */
  get(options?: GetOptions): Promise<T> {
    return this.result.get(options);
  }

  /**
   * Sends an event; it waits until the code asks for it. The same `id` again changes nothing. Throws {@link UnknownRunError},
   * {@link RunStateError} (the run has ended), {@link PayloadNotSerializableError}.
   */
  send(name: string, payload: unknown = null, options: { readonly id?: string } = {}): Promise<void> {
    return this.#admin.send(
      this.id,
      name,
      { value: payload },
      options.id === undefined ? undefined : `event ${name} ${options.id}`,
    );
  }

  /** Cancels the run, durably: its signal aborts, its compensations run, then it is REVOKED. Resolves when that is stored. */
  cancel(reason = 'cancelled'): Promise<void> {
    return this.#admin.cancel(this.id, reason);
  }

  /** Takes a failed run up again at the step that failed, under the same id; a diverged one with the code there is now. */
  retry(): Promise<void> {
    return this.#admin.retry(this.id);
  }

  /** Starts a new run with the outcomes of this one up to a step, by its key. */
  async fork(options: { readonly from: string; readonly id?: string }): Promise<Run<T>> {
    const { from, id } = options;
    const to = await this.#admin.fork(this.id, { from, ...(id === undefined ? {} : { to: id }) });
    return new Run<T>({ result: this.result.of(to), admin: this.#admin, clock: this.#clock });
  }

  /** How it stands. A run that no worker has taken so far is SENT. Throws {@link UnknownRunError}. */
  async status(): Promise<RunStatus> {
    const run = await this.#admin.find(this.id);
    const state = await this.result.state();
    if (run === undefined && state === 'PENDING') await this.#admin.read(this.id); // throws
    const { header, inbox = [] } = run ?? {};
    const ended = state === 'REVOKED' || state === 'SUCCESS' || state === 'FAILURE';
    return {
      id: this.id,
      workflow: header?.name ?? '',
      version: header?.version,
      state: ended ? (state as WorkflowState) : (header?.state ?? 'SENT'),
      startedAt: dateOf(header?.createdAt),
      updatedAt: dateOf(header?.updatedAt),
      wakeAt: dateOf(header?.wakeAt),
      note: header?.note,
      events: inbox
        .filter(({ kind }) => kind === 'event')
        .map(({ name, body }) => ({ name, payload: payloadOf(body) })),
    };
  }

  /** Its steps, as they are stored, until it ends; `after` skips those up to a number. */
  async *steps({
    after = 0,
    signal,
  }: {
    readonly after?: number;
    readonly signal?: AbortSignal;
  } = {}): AsyncGenerator<RunStep> {
    let last = after;
    for (let delay = look.first; signal?.aborted !== true; ) {
      const run = await this.#admin.find(this.id);
      const fresh = run ? timelineOf(run).filter(({ n }) => n !== undefined && n > last) : [];
      for (const step of fresh) {
        last = step.n ?? last;
        yield step;
      }
      const ended = run ? isWorkflowEnded(run.header.state) : await this.result.ready();
      if (ended && fresh.length === 0) return;
      delay = fresh.length > 0 ? look.first : Math.min(delay * 1.5, look.longest);
      if (!ended) await sleep(this.#clock, delay, signal).catch(() => undefined); // the loop sees the signal
    }
  }

  /** What is stored of its steps now, and what it waits for. Throws {@link UnknownRunError}. */
  async timeline(): Promise<readonly RunStep[]> {
    return timelineOf(await this.#admin.read(this.id));
  }
}

function dateOf(at: number | undefined): Date | undefined {
  return at === undefined ? undefined : new Date(at);
}

function payloadOf(body: string): JsonValue {
  return (JSON.parse(body) as { readonly value?: JsonValue }).value ?? null;
}
