import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { Clock } from '../clock.ts';
import type { Delivered, NewInboxItem, NewRun, RunHeader, StoredRun } from '../driver/workflow-store.ts';
import { ConfigurationError, RunStateError, UnknownRunError } from '../errors.ts';
import type { Failure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import { assertJson, type SizeLimit } from '../message/payload-codec.ts';
import { newTaskId } from '../message/task-id.ts';
import type { Producer } from '../producer/publish.ts';
import type { TaskRegistry } from '../task/task.ts';
import { RunLog } from './engine/run-log.ts';
import type { RunReach, WorkflowStores } from './engine/run-wake.ts';
import { decodeEntry, encodeEntry, type LogEntry, markSign } from './log-entry.ts';
import { readCall, writeCall } from './stored-call.ts';

/** What acting on runs needs. */
export interface RunAdminOptions {
  readonly open: () => Promise<WorkflowStores>;
  readonly reach: RunReach;
  readonly clock: Clock;
  readonly brokerClock: Pick<Clock, 'now'>;
  readonly producer: Producer;
  readonly canvas: () => CanvasSender;
  readonly registry: TaskRegistry;
  readonly maxResult: SizeLimit;
}

/** What can be done to a run from outside. */
export class RunAdmin {
  readonly #options: RunAdminOptions;

  constructor(options: RunAdminOptions) {
    this.#options = options;
  }

  /** Throws {@link UnknownRunError}. */
  async read(id: string): Promise<StoredRun> {
    const run = await this.find(id);
    if (run === undefined) throw new UnknownRunError(id);
    return run;
  }

  /** The run; undefined where no worker has taken it so far, or it is gone. */
  async find(id: string): Promise<StoredRun | undefined> {
    const { store } = await this.#options.open();
    return store.read(id);
  }

  /** Sends an event. Throws {@link UnknownRunError}, {@link RunStateError}, and for payloads that are no JSON. */
  async send(
    id: string,
    name: string,
    body: { readonly value?: unknown; readonly failure?: Failure },
    key?: string,
  ): Promise<void> {
    if (typeof name !== 'string' || name === '')
      throw new ConfigurationError('run.send(name, payload): the name is a non-empty string');
    if (body.value !== undefined) assertJson(body.value, 'payload', this.#options.maxResult, `event "${name}"`);
    await this.#deliver(
      id,
      { kind: 'event', name, key: key ?? newTaskId(), body: JSON.stringify(body) },
      `event "${name}"`,
    );
  }

  /** Cancels a run: compensated, then REVOKED. One that no worker has taken so far ends at once. */
  async cancel(id: string, reason: string): Promise<void> {
    const run = await this.find(id);
    if (run === undefined && (await this.#waiting(id))) {
      await this.#options.canvas().revoke([id]);
      return;
    }
    const item = {
      kind: 'cancel',
      name: 'cancel',
      key: `cancel ${run?.header.fence ?? 0}`,
      body: JSON.stringify(reason),
    } as const;
    const { header } = await this.#deliver(id, item, 'a cancel');
    if (header?.state === 'DIVERGED') await this.#options.reach.wake(id, header.queue);
  }

  /** Takes a failed, or diverged, run up again where it failed. */
  async retry(id: string): Promise<void> {
    const { header, log } = await this.read(id);
    if (header.state === 'DIVERGED' || header.state === 'PARKED')
      return void (await this.#options.reach.wake(id, header.queue));
    if (header.state !== 'FAILURE')
      throw new RunStateError(id, `it is ${header.state}: run.retry() takes a FAILURE or DIVERGED run up again`);
    const drop = dropped(header, log);
    const { store, results, monitor } = await this.#options.open();
    const taken = await store.take({ ...newRunOf(header, this.#now), id, host: '', lost: false });
    if (taken.header.state !== 'FAILURE') throw new RunStateError(id, `it is ${taken.header.state} by now`);
    await results.forget([id]);
    await monitor?.remove?.([id], [header.queue]);
    const change = { state: 'SENT', outcome: undefined, note: undefined, updatedAt: this.#now } as const;
    await store.append(id, { fence: taken.header.fence, drop, header: change, reopen: true });
    await this.#publish(id, header);
  }

  /** A new run with this one's log up to a step; resolves with its id. */
  async fork(id: string, { from, to = newTaskId() }: { readonly from: string; readonly to?: string }): Promise<string> {
    const { header, log } = await this.read(id);
    const kept = before(header, log, from);
    if (kept === undefined)
      throw new RunStateError(
        id,
        `it has no step "${from}": its steps are ${keysOf(header, log).join(', ') || 'none'}`,
      );
    const { store } = await this.#options.open();
    if (await store.read(to)) throw new RunStateError(to, 'there is a run of that id already: give fork another one');
    const now = this.#now;
    const taken = await store.take({ ...newRunOf(header, now), id: to, host: '', lost: false });
    const entries = kept.map((entry): [string, string] => [entry.key, encodeEntry({ ...entry, at: now }, now)]);
    await store.append(to, { fence: taken.header.fence, entries, header: { state: 'SENT', updatedAt: now } });
    await this.#publish(to, header);
    return to;
  }

  async #deliver(id: string, item: NewInboxItem, what: string): Promise<Delivered> {
    const first = await this.#options.reach.deliver(id, item);
    const delivered = first.status === 'unknown' ? await this.#deliverEarly(id, item) : first;
    if (delivered.status === 'unknown') throw new UnknownRunError(id);
    if (delivered.status === 'ended')
      throw new RunStateError(id, `it has ended (${delivered.header?.state}): ${what} was not delivered`);
    if (delivered.status === 'full')
      throw new RunStateError(
        id,
        `its inbox is full: ${what} was not delivered; wait until the run has taken what is there`,
      );
    return delivered;
  }

  /** The run may wait for its first worker: its message is there, and its inbox begins with this item. */
  async #deliverEarly(id: string, item: NewInboxItem): Promise<Delivered> {
    const message = await this.#waiting(id);
    if (message === undefined) return this.#options.reach.deliver(id, item); // taken meanwhile, or unknown
    const { task: name, version, queue } = message;
    const create: NewRun = {
      name,
      queue,
      call: writeCall(message),
      now: this.#now,
      ...(version === undefined ? {} : { version }),
    };
    return this.#options.reach.deliver(id, item, create);
  }

  async #waiting(id: string): Promise<Message | undefined> {
    const { monitor } = await this.#options.open();
    const [message] = (await monitor?.find?.([id])) ?? [];
    return message;
  }

  async #publish(id: string, header: RunHeader): Promise<void> {
    const { args, ...rest } = readCall(header.call);
    const { name: task, queue, version } = header;
    const message: Message = {
      v: 1,
      id,
      task,
      queue,
      priority: 0,
      retries: 0,
      sentAt: this.#now,
      mayRepeat: true,
      ...rest,
      args,
      ...(version === undefined ? {} : { version }),
    };
    await this.#options.producer.publish([message]);
  }

  get #now(): number {
    return Math.round(this.#options.brokerClock.now());
  }
}

function newRunOf({ name, version, queue, call }: RunHeader, now: number): NewRun {
  return { name, queue, call, now, ...(version === undefined ? {} : { version }) };
}

function entriesOf({ createdAt }: RunHeader, log: StoredRun['log']): readonly LogEntry[] {
  return [...log].flatMap(([key, text]) => (key.startsWith(markSign) ? [] : (decodeEntry(key, text, createdAt) ?? [])));
}

/** What goes so that the run can go on: what it failed with, its compensations that failed, its time that was over. */
function dropped(header: RunHeader, log: StoredRun['log']): readonly string[] {
  const entries = entriesOf(header, log);
  const compensations = entries.filter(({ kind }) => kind === 'compensate');
  const failed = compensations.filter(({ failure }) => failure);
  if (failed.length > 0) return failed.map(({ key }) => key);
  if (compensations.length > 0) {
    throw new RunStateError(
      header.id,
      `its work was compensated (${compensations.map(({ key }) => key).join(', ')}): start a new run, or fork this one with run.fork({ from })`,
    );
  }
  const over = entries.filter(({ kind }) => kind === 'cancel').map(({ key }) => key);
  return [...over, ...(header.note === undefined ? [] : [header.note])].flatMap((key) => [key, markSign + key]);
}

/** The outcomes that the code was handed before it asked for that step. */
function before(header: RunHeader, log: StoredRun['log'], from: string): readonly LogEntry[] | undefined {
  const order = new RunLog(log, header.createdAt).order;
  const end = order.findIndex(({ key }) => key === from);
  if (end < 0) return undefined;
  const last = order[end] as LogEntry;
  const read = entriesOf(header, log).filter(({ kind, n }) => (kind === 'now' || kind === 'patch') && n < last.n);
  return [...read, ...order.slice(0, end)];
}

function keysOf(header: RunHeader, log: StoredRun['log']): readonly string[] {
  return new RunLog(log, header.createdAt).order.map(({ key }) => key);
}
