import type { ResultBackend } from '../driver/result-backend.ts';
import { toFailure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import type { OutcomeRecord, OutcomeWrite } from '../message/outcome.ts';
import type { Plan, TaskPlan } from '../message/plan.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { FailedEnding, Input } from './continuation.ts';
import type { FreezeSink } from './freeze.ts';

/** Plans wait for what comes before them, however long that takes; every one of them is replaced by an outcome. */
export const planTtl: number = 30 * 86_400_000;

/** How many messages and plans are handed over in one go. */
const chunkSize = 500;

/** What a sink needs. */
export interface SinkTools {
  readonly results: ResultBackend;
  readonly now: () => number;
  readonly publish: (messages: readonly Message[]) => Promise<void>;
  readonly streamed: (id: string, size: number) => Promise<void>;
  readonly failGroup: (id: string, ending: FailedEnding) => Promise<void>;
}

/** How messages are made of plans. */
export interface SinkOptions {
  /** The first argument of what is started. */
  readonly input?: Input;
  /** The ids may have been published before. */
  readonly mayRepeat?: boolean;
  /** Plans may have been laid before, and what they stand for may have begun: leave what is there. */
  readonly keepsWhatIsThere?: boolean;
}

/** Stores plans and publishes messages, a chunk at a time; plans always before the messages that lead to them. */
export class PlanSink implements FreezeSink {
  readonly #tools: SinkTools;
  readonly #options: SinkOptions;
  readonly #writes: OutcomeWrite[] = [];
  #messages: Message[] = [];
  #sending: Promise<void> = Promise.resolve();
  /** Groups without members that were to be started. */
  readonly empties: string[] = [];
  /** Gates whose turn has come. */
  readonly gates: string[] = [];

  constructor(tools: SinkTools, options: SinkOptions = {}) {
    this.#tools = tools;
    this.#options = options;
  }

  async plan(
    id: string,
    task: string,
    plan: Plan,
    { rootId, parentId }: { rootId: string; parentId: string | undefined },
  ): Promise<void> {
    const record: OutcomeRecord = {
      id,
      task,
      state: 'PENDING',
      attempts: 0,
      at: this.#tools.now(),
      rootId,
      ...(parentId === undefined ? {} : { parentId }),
      plan,
    };
    this.#writes.push({ record, ttl: planTtl });
    if (this.#writes.length >= chunkSize) await this.#store(this.#writes.splice(0));
  }

  start(plan: TaskPlan): MaybePromise<void> {
    const { input, mayRepeat = false } = this.#options;
    if (plan.gate) return this.#layGate(plan);
    this.#messages.push(messageOf(plan, { now: this.#tools.now(), input, mayRepeat }));
    if (this.#messages.length >= chunkSize) return this.#sendAhead();
    return undefined;
  }

  /** A gate is laid down also where it begins a canvas: it waits as a record. */
  async #layGate(plan: TaskPlan): Promise<void> {
    const { id, task, rootId = id, parentId } = plan.message;
    this.gates.push(id);
    await this.plan(id, task, plan, { rootId, parentId });
  }

  empty(id: string): void {
    this.empties.push(id);
  }

  async streamed(id: string, size: number): Promise<void> {
    await this.flush();
    await this.#tools.streamed(id, size);
  }

  async broken(id: string, error: unknown): Promise<void> {
    this.#messages = [];
    await this.flush().catch(() => undefined); // the stream's own error is what is told
    await this.#tools.failGroup(id, { state: 'FAILURE', failure: toFailure(error) });
  }

  async flush(): Promise<void> {
    await this.#sending;
    await this.#send(this.#writes.splice(0), this.#messages.splice(0));
  }

  /** Sends a chunk while the next one is put together; resolves when the one before it is sent. */
  async #sendAhead(): Promise<void> {
    await this.#sending;
    const sending = this.#send(this.#writes.splice(0), this.#messages.splice(0));
    sending.catch(() => undefined); // whoever comes next is told
    this.#sending = sending;
  }

  async #send(writes: readonly OutcomeWrite[], messages: readonly Message[]): Promise<void> {
    await this.#store(writes);
    if (messages.length > 0) await this.#tools.publish(messages);
  }

  async #store(writes: readonly OutcomeWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const { results } = this.#tools;
    if (!this.#options.keepsWhatIsThere) {
      await results.put(writes);
      return;
    }
    const there = await results.get(writes.map(({ record }) => record.id));
    await results.put(writes.filter((_, index) => there[index] === undefined));
  }
}

/** How a message is made of a plan. */
export interface MessageOptions {
  readonly now: number;
  readonly input?: Input | undefined;
  readonly mayRepeat: boolean;
}

/** The message of a plan whose turn has come. */
export function messageOf(plan: TaskPlan, { now, input, mayRepeat }: MessageOptions): Message {
  const { message, takesInput, countdown, eta, expiresAfter, expiresAt } = plan;
  const used = takesInput ? input : undefined;
  const at = eta ?? (countdown ? now + countdown : undefined);
  const expires = expiresAt ?? (expiresAfter === undefined ? undefined : now + expiresAfter);
  const made: { -readonly [K in keyof Message]: Message[K] } = Object.assign({ sentAt: now }, message);
  made.sentAt = now;
  if (used && 'value' in used) made.args = [used.value, ...message.args];
  if (used && 'from' in used) made.canvas = { ...message.canvas, input: used.from };
  if (at !== undefined) made.eta = at;
  if (expires !== undefined) made.expires = expires;
  if (mayRepeat) made.mayRepeat = true;
  return made;
}
