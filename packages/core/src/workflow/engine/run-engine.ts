import type { Timer } from '../../clock.ts';
import type { InboxItem } from '../../driver/workflow-store.ts';
import { LeaseLostError, WorkflowDivergedError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { EntryKind, LogEntry, OpenMark } from '../log-entry.ts';
import { cancelKey, RunCancel } from '../run-cancel.ts';
import { RunLeftError } from '../run-errors.ts';
import { RunKeys } from '../run-keys.ts';
import { Completions } from './completions.ts';
import { whenDrained } from './drained.ts';
import type { EngineOptions } from './engine-options.ts';
import { Inbox } from './inbox.ts';
import { Journal } from './journal.ts';
import { type Completion, newRequest, type Request, type RunEnd, type Wait } from './request.ts';
import { RunBody } from './run-body.ts';
import { RunLog } from './run-log.ts';
import { openPromise, type RunPromise } from './run-promise.ts';
import { assertUsable } from './usable.ts';

/** How long a run waits for a child before it leaves its slot, from the last thing that happened in it. */
const childLinger = 100;
/** A parked run looks at itself that often at least: what woke it may have been lost with two processes at once. */
const longestPark = 6 * 3_600_000;
/** Code that waits for an outcome out of turn, and asks for nothing else meanwhile, has diverged. */
const stuckAfter = 1_000;

/**
 * Carries one run for as long as a worker holds it. The code asks; each thing it asks for has a key. Outcomes are stored first
 * and then handed over, one at a time in the order in which they were stored, and the next only when the code has
 * done with promises what it does on the one before. So a replay is not another mode: it only finds outcomes stored.
 */
export class RunEngine {
  readonly id: string;
  readonly log: RunLog;
  readonly journal: Journal;
  readonly options: EngineOptions;
  readonly #inbox: Inbox;
  readonly #requests = new Map<string, Request>();
  readonly #keys: RunKeys;
  readonly #cancel: RunCancel;
  readonly #body: RunBody;
  readonly #controller = new AbortController();
  #end: (end: RunEnd) => void = () => {};
  #over = false;
  readonly #completions: Completions = new Completions(this);
  readonly #deferred: (() => void)[] = [];
  #live = 0;
  readonly #idle: (() => void)[] = [];
  #lastProgress: number;
  #pumping = false;
  /** The outcome whose turn it is waits for code that has not asked for it. */
  blocked = false;
  /** The run leaves this worker at this moment, unless it has to stay. */
  parking = false;
  #draining = false;
  #timer: Timer | undefined;
  #stuck: Timer | undefined;

  constructor(options: EngineOptions) {
    const { taken, store, clock, logger } = options;
    const { header } = taken;
    this.options = options;
    this.id = header.id;
    this.log = new RunLog(taken.log, header.createdAt);
    const { fence, createdAt: since } = header;
    this.journal = new Journal({ id: this.id, fence, since, store, clock, logger, signal: options.signal });
    this.#inbox = new Inbox(this);
    this.#keys = new RunKeys(this);
    this.#cancel = new RunCancel(this);
    this.#body = new RunBody(this, this.#cancel);
    this.#lastProgress = this.now;
    options.signal.addEventListener('abort', () => this.#controller.abort(options.signal.reason), { once: true });
  }

  /** Epoch ms by the broker's clock. */
  get now(): number {
    return Math.round(this.options.brokerClock.now());
  }

  /** Aborts when the run is cancelled or taken away, or has ended. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get compensating(): boolean {
    return this.#body?.compensating ?? false; // asked for while it is made
  }

  get over(): boolean {
    return this.#over;
  }

  /** Where the inbox has been read to. */
  get seen(): string {
    return this.#inbox.seen;
  }

  get requests(): Iterable<Request> {
    return this.#requests.values();
  }

  /** Runs the code until the run ends, or leaves this worker. Never rejects. */
  async run(body: () => Promise<unknown>): Promise<RunEnd> {
    const end = await new Promise<RunEnd>((resolve) => {
      this.#end = resolve;
      this.#inbox.receive(this.options.taken.inbox);
      this.#cancel.arm();
      body().then(
        (value) => this.#body.returned(value),
        (error: unknown) => this.#body.threw(error),
      );
      this.pump();
    });
    this.#over = true;
    this.#cancel.disarm();
    for (const timer of [this.#timer, this.#stuck]) timer?.cancel();
    if (!this.signal.aborted)
      this.#controller.abort(end.kind === 'fenced' ? new LeaseLostError(this.id) : new RunLeftError());
    return end;
  }

  /** Opens a request: hands over what is stored under its key, in turn, or lets `start` begin. */
  open<T>(kind: EntryKind, name: string, start: (request: Request) => void, decode?: Request['decode']): RunPromise<T> {
    this.assertUsable(kind, name);
    const open = openPromise<unknown>();
    if (this.#cancel.delivered && !this.compensating) {
      open.reject(this.#cancel.error);
      return open.promise as RunPromise<T>;
    }
    if (this.compensating && kind !== 'compensate') return open.promise as RunPromise<T>; // the function has ended: what goes on beside it gets no answer
    const key = this.keyFor(kind, name);
    const request = newRequest({ key, kind, open, since: this.now, decode });
    this.#requests.set(key, request);
    const stored = this.log.entry(key);
    if (stored) request.ended = true;
    if (stored && this.log.takeSkipped(key)) this.#hand(request, stored);
    else if (!stored && (!this.#cancel.seen || this.compensating) && !this.over)
      this.#deferred.push(() => start(request));
    this.pump();
    return open.promise as RunPromise<T>; // decoded by `decode`, or as it was stored: the caller's types say what
  }

  /** The key of the next use of a name. Ends the run as diverged where the log has another kind there. */
  keyFor(kind: EntryKind, name: string): string {
    const key = this.#keys.next(kind, name, this.#requests.size);
    this.log.request(key);
    const stored = this.log.entry(key)?.kind ?? this.log.mark(key)?.kind;
    if (stored !== undefined && stored !== kind) this.diverge(key, `a ${stored}`, `asked for a ${kind}`);
    return key;
  }

  /** Throws where `w` cannot be used: after the run, inside another task, inside a step. */
  assertUsable(kind: string, name: string): void {
    assertUsable(this, `w.${kind}("${name}")`);
  }

  /** Work in this process: the run is not parked meanwhile. */
  async work(job: () => Promise<unknown>): Promise<void> {
    if (this.options.dry) return;
    this.#live += 1;
    try {
      await job();
    } catch (error) {
      this.options.logger.error('a workflow run failed in its own machinery', { taskId: this.id, error });
      this.end({ kind: 'failed', failure: toFailure(error) });
    } finally {
      this.#live -= 1;
      if (this.#live === 0) for (const resolve of this.#idle.splice(0)) resolve();
      this.pump();
    }
  }

  /** Resolves when nothing runs here. */
  idle(): Promise<void> {
    return this.#live === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Lets a request wait; the run may leave its slot meanwhile. */
  wait(request: Request, wait: Wait, mark?: OpenMark): void {
    request.wait = wait;
    if (mark) this.mark(request.key, mark);
    this.#inbox.match(request);
    this.pump();
  }

  mark(key: string, mark: OpenMark): void {
    this.log.setMark(key, mark);
    this.journal.mark(key, mark);
  }

  /** A request has its outcome: to be stored, then handed over. */
  complete(completion: Completion): void {
    const { ended, kind } = completion.request;
    if (ended || this.over || this.options.dry || (this.compensating && kind !== 'compensate')) return;
    completion.request.ended = true;
    this.#lastProgress = this.now;
    this.#completions.add(completion);
  }

  /** An entry that the code reads at once; stored with the next write. */
  record(entry: LogEntry): void {
    if (this.compensating) return;
    this.log.add(entry);
    this.journal.buffer(entry);
  }

  /** Runs when the run fails or is cancelled, the last one first. */
  compensate(run: () => Promise<unknown>): void {
    this.#body.compensate(run);
  }

  /** What has come into the inbox since it was read last. */
  async refresh(): Promise<void> {
    if (this.over) return;
    const items = await this.options.store.inbox(this.id, this.seen).catch(() => []); // asked again by the next look
    if (items.length === 0 || this.over) return;
    this.#lastProgress = this.now;
    this.#inbox.receive(items);
    this.pump();
  }

  /** Somebody asks for the run to be cancelled. */
  cancel(reason: string, item: string): void {
    this.#cancel.request(reason, item);
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** The worker ends: the run leaves it as soon as nothing runs here. */
  drain(): void {
    this.#draining = true;
    this.pump();
  }

  end(end: RunEnd): void {
    if (this.over) return;
    this.#over = true;
    this.#end(end);
  }

  /** Hands over what is due, when the code has done with promises what it does now. */
  pump(): void {
    if (this.#pumping || this.over) return;
    this.#pumping = true;
    whenDrained(() => {
      this.#pumping = false;
      if (!this.over) this.#next();
    });
  }

  #next(): void {
    if (this.#completions.inserting) return; // it pumps when that is done
    this.blocked = false;
    this.#stuck?.cancel();
    const head = this.log.head((key) => key === cancelKey || this.#requests.has(key));
    if (head === undefined) {
      if (this.#startDeferred()) return;
      return this.#completions.size > 0 ? this.#completions.flush() : this.#rest();
    }
    const request = this.#requests.get(head.key);
    if (head.key === cancelKey) this.#cancel.deliver(head);
    else if (request) this.#hand(request, head, true);
    else return this.#block(head);
    this.pump();
  }

  #hand(request: Request, entry: LogEntry, inTurn = false): void {
    if (inTurn) this.log.advance(entry);
    if (request.delivered) return;
    request.ended = true;
    request.delivered = true;
    request.wait = undefined;
    const { open, decode } = request;
    if (entry.failure) open.reject(this.options.errors.toError(entry.failure, entry.key));
    else if (decode) open.resolve(decode(entry.value));
    else open.resolve(entry.value);
  }

  /** Begins what has no stored outcome, once all that is stored has been handed over, or waits for inserted code. */
  #startDeferred(): boolean {
    const starts = this.#deferred.splice(0);
    for (const start of starts) start();
    if (starts.length > 0) this.pump();
    return starts.length > 0;
  }

  /** The code has not asked for the outcome whose turn it is: it was changed, or still computes. */
  #block(head: LogEntry): void {
    this.blocked = true;
    if (this.#startDeferred()) return;
    if (this.#completions.size > 0) return this.#completions.flush(); // inserted code goes before it
    if (this.#live > 0 || (this.options.dry && this.#stub())) return;
    const { clock } = this.options;
    this.#stuck = clock.after(
      stuckAfter,
      () => {
        if (this.over || !this.blocked || this.#live > 0) return;
        const asked = [...this.#requests.values()].filter(({ delivered }) => !delivered).map(({ key }) => `"${key}"`);
        const waits = asked.length > 0 ? `waits for ${asked.slice(0, 5).join(', ')}` : 'does not ask for it';
        this.diverge(head.key, `the outcome of a ${head.kind} as the next one`, waits);
      },
      { background: this.options.dry !== true }, // a check that waits for nothing else is to end
    );
  }

  /** Dry: gives inserted code nothing, so that what comes after it is asked for. */
  #stub(): boolean {
    const request = [...this.#requests.values()].find(({ ended, wait }) => !ended && wait === undefined);
    if (request === undefined) return false;
    Object.assign(request, { ended: true, delivered: true });
    this.#body.stubbed = true;
    request.open.resolve(undefined);
    this.pump();
    return true;
  }

  /** Nothing waits to be handed over: the run rests until something happens, here or in the broker. */
  #rest(): void {
    this.#timer?.cancel();
    if (this.options.dry) return this.fits() ? this.end({ kind: 'released' }) : undefined;
    if (this.#live > 0 || this.journal.busy || this.#completions.busy || this.parking) return;
    if (this.#cancel.seen && !this.#cancel.delivered && !this.compensating)
      return void this.#completions.exclusively(() => this.#cancel.store());
    const waits = this.#waiting().flatMap(({ wait }) => wait ?? []);
    if (this.#draining) return void this.#release();
    if (waits.length === 0) return; // the code awaits something of its own
    const now = this.now;
    const due = waits.filter(({ until }) => until !== undefined && until <= now);
    for (const { onTime } of due) onTime?.();
    if (due.length > 0) return;
    this.#restUntil(waits, now);
  }

  #waiting(): readonly Request[] {
    const counts = ({ wait, kind }: Request): boolean =>
      wait !== undefined && (!this.compensating || kind === 'compensate');
    return [...this.#requests.values()].filter(counts);
  }

  #restUntil(waits: readonly Wait[], now: number): void {
    const soonest = Math.min(Number.POSITIVE_INFINITY, ...waits.flatMap(({ until }) => until ?? []));
    const linger = waits.some(({ child }) => child !== undefined) ? this.#lastProgress + childLinger - now : 0;
    const stay = soonest - now <= this.options.limits.parkAfter ? soonest - now : linger;
    if (stay <= 0) return void this.#park(soonest);
    this.#timer = this.options.clock.after(Math.max(1, stay), () => this.pump());
  }

  async #park(soonest: number): Promise<void> {
    this.parking = true;
    const at = Math.min(soonest, this.#cancel.deadline, this.now + longestPark);
    const note = JSON.stringify(
      this.#waiting()
        .slice(0, 20)
        .map(({ key, kind }) => `${kind} ${key}`),
    );
    const header = { state: 'PARKED', updatedAt: this.now, wakeAt: at, note } as const;
    const reply = await this.journal.write({ header, seen: this.seen });
    this.parking = false;
    if (reply === 'done') return this.end({ kind: 'parked', at });
    if (reply !== 'pending') return this.end({ kind: reply === 'fenced' ? 'fenced' : 'released' });
    await this.refresh();
    this.pump();
  }

  async #release(): Promise<void> {
    this.parking = true;
    if (this.journal.hasBuffered) await this.journal.write({});
    this.end({ kind: 'released' });
  }

  /** Whether the code asked for everything that is stored; else the run ends as diverged. */
  fits(): boolean {
    const missed = this.log.unrequested();
    if (missed === undefined) return true;
    this.diverge(missed.key, `the outcome of a ${missed.kind}`, 'never asked for it');
    return false;
  }

  /** Sets the run aside. */
  diverge(key: string, expected: string, asked: string): void {
    const { version } = this.options;
    this.end({ kind: 'diverged', error: new WorkflowDivergedError(this.id, { key, expected, asked, version }) });
  }

  /** The outcome of a child, from where it is stored. */
  load(request: Request, child: string, item: string): void {
    void this.work(async () => {
      const result = await this.options.readChild(child);
      this.complete({ request, result, consumed: item });
    });
  }

  /** Takes an event away that no code can use. The run goes on waiting. */
  refuse({ at, name, body }: InboxItem, problem: string): void {
    const { logger } = this.options;
    const about = { taskId: this.id, event: name, problem, body: body.slice(0, 500) };
    logger.error('refused an event of a run: it does not fit the schema of w.event', about);
    void this.journal.write({ consumed: [at] }); // never rejects
  }
}
