import {
  type Bus,
  type Clock,
  changeTopic,
  controlTopic,
  type JsonValue,
  type Logger,
  newTaskId,
  type Subscription,
  topicOf,
  withDeadline,
} from '@lovage/core/driver';
import type { CeleryTask } from '../protocol/celery-task.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import type { CeleryConsumer } from '../worker/consumer.ts';
import type { HeldTask } from '../worker/held-task.ts';
import { CeleryNode, origin } from './celery-node.ts';
import { fromCeleryReply, toCeleryCommand } from './control-words.ts';
import { EventReader, toCeleryEvent } from './event-words.ts';
import { LamportClock } from './lamport-clock.ts';
import { NotAnswered } from './not-answered.ts';
import { exchanges, type RemoteTransport } from './remote-transport.ts';
import { RevokedTasks } from './revoked-tasks.ts';

/** What it needs. */
export interface RemoteParts {
  readonly transport: RemoteTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly display: string;
}

type BusListener = (message: JsonValue, topic: string) => void;

/** Core's names of what the bus carries. */
const eventTopic = 'events';
const replyPrefix = 'control-reply.';
/** What a worker's own answer may take. */
const answerTimeout = 5_000;

/**
 * Remote control and events between both sides of a fleet. Core's bus carries its own words; here they become Celery's, and
 * Celery's become core's, so that each side's tools see all workers.
 */
export class CeleryRemote implements Bus {
  readonly counts = true;
  readonly #parts: RemoteParts;
  readonly #lamport = new LamportClock();
  readonly #revoked = new RevokedTasks();
  readonly #nodes = new Map<CeleryConsumer, CeleryNode>();
  /** What listens to commands, by core's topic of them. */
  readonly #control = new Map<string, Set<BusListener>>([
    [controlTopic, new Set()],
    [changeTopic, new Set()],
  ]);
  /** Questions of nodes to workers of this process. */
  readonly #asked = new Map<string, (reply: Fields) => void>();
  /** Commands of ours that wait for answers, by their ids. */
  readonly #commands = new Map<string, { readonly command: string; readonly args: Fields }>();

  constructor(parts: RemoteParts) {
    this.#parts = parts;
  }

  async opened(consumer: CeleryConsumer): Promise<void> {
    const { transport, clock, logger, display } = this.#parts;
    const node = new CeleryNode(consumer, {
      transport,
      clock,
      lamport: this.#lamport,
      logger,
      revoked: this.#revoked,
      display,
      ask: (worker, command, args) => this.#ask(worker, command, args),
      onRevoked: () => this.#tellRevoked(),
    });
    this.#nodes.set(consumer, node);
    void node.start(); // never rejects; the worker's work does not wait for it
  }

  closed(consumer: CeleryConsumer): void {
    void this.#nodes.get(consumer)?.close();
    this.#nodes.delete(consumer);
  }

  isRevoked(task: CeleryTask): boolean {
    return this.#revoked.has(task);
  }

  /** Tells every worker of both sides that tasks were taken back. */
  revoke(ids: readonly string[]): void {
    this.#revoked.add(ids, this.#parts.clock.now());
    this.#tellRevoked();
    const body = { method: 'revoke', arguments: { task_id: [...ids], terminate: false, signal: null }, ...toAll };
    this.#parts.transport
      .broadcast(exchanges.commands, '', { body, headers: this.#headers() })
      .catch((error: unknown) => this.#parts.logger.warn('could not notify workers of a revocation', { error }));
  }

  async publish(topic: string, message: JsonValue): Promise<number | undefined> {
    if (topic === eventTopic) return this.#sendEvents(message);
    if (this.#control.has(topic)) return this.#command(message);
    if (topic.startsWith(replyPrefix)) return this.#answered(topic.slice(replyPrefix.length), message);
    return this.#parts.transport.broadcast(exchanges.own, topic, { body: { topic, message }, headers: {} });
  }

  async subscribe(pattern: string, listener: BusListener): Promise<Subscription> {
    const commands = this.#control.get(pattern);
    if (commands) {
      commands.add(listener);
      return { close: async () => void commands.delete(listener) };
    }
    const { transport } = this.#parts;
    if (pattern === eventTopic) return { close: await this.#hearEvents(listener) };
    if (pattern.startsWith(replyPrefix)) return this.#collect(pattern.slice(replyPrefix.length), listener);
    const close = await transport.listenToEvents(exchanges.own, ({ body }) => {
      if (isFields(body) && typeof body.topic === 'string' && matches(pattern, body.topic))
        listener(body.message ?? null, body.topic);
    });
    return { close };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
    this.#nodes.clear();
  }

  #hearEvents(listener: BusListener): Promise<() => Promise<void>> {
    const reader = new EventReader();
    return this.#parts.transport.listenToEvents(exchanges.events, ({ body }) => {
      const events = reader.read(body);
      if (events.length > 0) listener(events, eventTopic);
    });
  }

  /** Those of tasks go many in one message, as Celery's workers send them. */
  async #sendEvents(events: JsonValue): Promise<number | undefined> {
    const made: Fields[] = [];
    for (const event of Array.isArray(events) ? (events as readonly JsonValue[]) : []) {
      if (!isFields(event)) continue;
      const base = { hostname: origin, clock: this.#lamport.forward() };
      const celerys = toCeleryEvent(event, this.#find(String(event.id)), base);
      if (celerys) made.push(celerys);
    }
    if (made.length === 0) return undefined;
    const { transport } = this.#parts;
    const sent = made.filter(({ type }) => type === 'task-sent');
    const rest = made.filter(({ type }) => type !== 'task-sent');
    for (const event of sent)
      await transport.broadcast(exchanges.events, 'task.sent', { body: event, headers: { hostname: origin } });
    if (rest.length === 0) return undefined;
    const headers = { hostname: String(rest[0]?.hostname) };
    return transport.broadcast(exchanges.events, 'task.multi', { body: rest, headers });
  }

  #find(id: string): HeldTask | undefined {
    for (const consumer of this.#nodes.keys()) {
      const held = consumer.recent(id);
      if (held) return held;
    }
    return undefined;
  }

  async #command(message: JsonValue): Promise<number | undefined> {
    if (!isFields(message) || typeof message.command !== 'string') return 0;
    const { id, command, args, destination } = message;
    const given = isFields(args) ? args : {};
    const words = toCeleryCommand(command, given);
    if (words === undefined) return 0;
    this.#commands.set(String(id), { command, args: given });
    const names = Array.isArray(destination) ? (destination as readonly JsonValue[]) : undefined;
    const glob = names?.length === 1 && /[*?]/.test(String(names[0]));
    const body = {
      ...words,
      destination: names && !glob ? names : null,
      pattern: glob ? (names[0] as JsonValue) : null,
      matcher: glob ? 'glob' : null,
      ticket: String(id),
      reply_to: { exchange: exchanges.replies, routing_key: String(id) },
    };
    return this.#parts.transport.broadcast(exchanges.commands, '', { body, headers: this.#headers() });
  }

  async #collect(id: string, listener: BusListener): Promise<Subscription> {
    const stop = await this.#parts.transport.collectReplies(id, ({ body }) => {
      const command = this.#commands.get(id) ?? { command: '', args: {} };
      for (const [worker, reply] of Object.entries(isFields(body) ? body : {}))
        listener(fromCeleryReply(command, worker, reply), `${replyPrefix}${id}`);
    });
    return {
      close: async () => {
        this.#commands.delete(id);
        await stop();
      },
    };
  }

  /** Has a worker of this process carry a command of core's out. */
  async #ask(worker: string, command: string, args: Fields): Promise<JsonValue> {
    const topic = topicOf(command);
    const listeners = this.#control.get(topic);
    if (!listeners?.size) throw new NotAnswered();
    const id = newTaskId();
    const answer = new Promise<Fields>((resolve) => this.#asked.set(id, resolve));
    for (const listener of listeners) listener({ id, command, args, destination: [worker] }, topic);
    try {
      const reply = await withDeadline(
        this.#parts.clock,
        answerTimeout,
        answer,
        () => new Error(`the worker did not answer ${command}`),
      );
      if (typeof reply.error === 'string') throw new Error(reply.error);
      return reply.reply ?? null;
    } finally {
      this.#asked.delete(id);
    }
  }

  async #answered(id: string, message: JsonValue): Promise<number> {
    const resolve = this.#asked.get(id);
    if (resolve === undefined || !isFields(message)) return 0;
    resolve(message);
    return 1;
  }

  #tellRevoked(): void {
    for (const consumer of this.#nodes.keys()) consumer.revoked();
  }

  #headers(): Fields {
    return { clock: this.#lamport.forward(), expires: 0 };
  }
}

const toAll = { destination: null, pattern: null, matcher: null };

/** `orders.*`: the last part stands for one or more. */
function matches(pattern: string, topic: string): boolean {
  if (!pattern.endsWith('*')) return pattern === topic;
  const before = pattern.slice(0, -1);
  return topic.startsWith(before) && topic.length > before.length;
}
