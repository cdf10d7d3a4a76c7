import { hostname, loadavg, type } from 'node:os';
import type { Clock, JsonValue, Logger, Timer } from '@lovage/core/driver';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import type { CeleryConsumer } from '../worker/consumer.ts';
import type { LamportClock } from './lamport-clock.ts';
import { type NodeTools, nodeCommands } from './node-commands.ts';
import { NotAnswered } from './not-answered.ts';
import {
  exchanges,
  type RemoteMessage,
  type RemoteTransport,
  type ReplyAddress,
  type Unlisten,
} from './remote-transport.ts';
import type { RevokedTasks } from './revoked-tasks.ts';

/** What a node needs. */
export interface NodeParts {
  readonly transport: RemoteTransport;
  readonly clock: Clock;
  readonly lamport: LamportClock;
  readonly logger: Logger;
  readonly revoked: RevokedTasks;
  readonly display: string;
  /** Has the worker of this name carry a command out. */
  readonly ask: (worker: string, command: string, args: Fields) => Promise<JsonValue>;
  readonly onRevoked: () => void;
}

/** Celery says it every two seconds, and takes a worker that is silent for three beats for lost. */
const heartbeatInterval = 2_000;
const mingleWait = 1_000;

/** A worker of ours as the Celery fleet sees it: it answers commands, sends heartbeats, and asks the others at its start. */
export class CeleryNode {
  readonly consumer: CeleryConsumer;
  readonly #parts: NodeParts;
  readonly #tools: NodeTools;
  #unlisten: Unlisten | undefined;
  #timer: Timer | undefined;
  #processed = 0;
  #closed = false;

  constructor(consumer: CeleryConsumer, parts: NodeParts) {
    this.consumer = consumer;
    this.#parts = parts;
    const { revoked, clock, lamport, display, ask, onRevoked } = parts;
    this.#tools = {
      name: this.name,
      consumer,
      revoked,
      display,
      onRevoked,
      now: () => clock.now(),
      clock: () => lamport.value,
      ask: (command, args = {}) => ask(this.name, command, args),
      beat: () => this.#send('worker-heartbeat'),
    };
  }

  get name(): string {
    return this.consumer.request.worker;
  }

  async start(): Promise<void> {
    const { transport, logger } = this.#parts;
    try {
      this.#unlisten = await transport.listenToCommands(this.name, (message) => void this.#hear(message)); // never rejects
      this.#send('worker-online');
      this.#beat();
      void this.#mingle().catch((error: unknown) => logger.debug('could not ask the other workers', { error }));
    } catch (error) {
      logger.warn("could not listen to Celery's remote control", { error });
    }
    if (this.#closed) await this.#unlisten?.();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#send('worker-offline');
    await this.#unlisten?.();
  }

  #beat(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(
      heartbeatInterval,
      () => {
        this.#send('worker-heartbeat');
        this.#beat();
      },
      { background: true },
    );
  }

  #send(kind: string): void {
    const { transport, clock, lamport, logger } = this.#parts;
    const total = Object.values(this.consumer.totals).reduce((sum, count) => sum + count, 0);
    const since = total - this.#processed;
    this.#processed = total;
    const body = {
      hostname: this.name,
      utcoffset: 0,
      pid: process.pid,
      clock: lamport.forward(),
      freq: heartbeatInterval / 1_000,
      active: this.consumer.tasks.length - this.consumer.waitingForTime.length,
      processed: total,
      loadavg: loadavg().map((load) => Math.round(load * 100) / 100),
      sw_ident: 'js-lovage',
      sw_ver: '0.1.0',
      sw_sys: type(),
      timestamp: clock.now() / 1_000,
      type: kind,
      since,
    };
    const key = kind.replace('-', '.');
    transport
      .broadcast(exchanges.events, key, { body, headers: { hostname: this.name } })
      .catch((error: unknown) => logger.debug('could not send a heartbeat', { error }));
  }

  /** Asks the others what was taken back while this worker was not there. */
  async #mingle(): Promise<void> {
    const { transport, clock, revoked, lamport } = this.#parts;
    const ticket = crypto.randomUUID();
    const stop = await transport.collectReplies(ticket, ({ body }) => {
      for (const reply of Object.values(isFields(body) ? body : {})) {
        if (!isFields(reply)) continue;
        if (isFields(reply.revoked)) revoked.add(Object.keys(reply.revoked), clock.now());
        if (typeof reply.clock === 'number') lamport.adjust(reply.clock);
      }
    });
    const request = {
      method: 'hello',
      arguments: { from_node: this.name, revoked: {} },
      destination: null,
      pattern: null,
      matcher: null,
      ticket,
      reply_to: { exchange: exchanges.replies, routing_key: ticket },
    };
    await transport.broadcast(exchanges.commands, '', {
      body: request,
      headers: { clock: lamport.forward(), expires: 0 },
    });
    clock.after(mingleWait, () => void stop(), { background: true });
  }

  async #hear({ body, headers }: RemoteMessage): Promise<void> {
    const { lamport, clock, logger } = this.#parts;
    if (typeof headers.clock === 'number') lamport.adjust(headers.clock);
    const { expires } = headers;
    if (typeof expires === 'number' && expires > 0 && expires * 1_000 < clock.now()) return;
    if (!isFields(body) || typeof body.method !== 'string' || !isMeant(body, this.name)) return;
    const reply = await this.#answer(body.method, isFields(body.arguments) ? body.arguments : {});
    if (reply === null || reply === undefined) return;
    await this.#reply(body, reply).catch((error: unknown) =>
      logger.debug('could not answer a remote command', { command: body.method as string, error }),
    );
  }

  async #answer(method: string, args: Fields): Promise<JsonValue | undefined> {
    const command = Object.hasOwn(nodeCommands, method) ? nodeCommands[method] : undefined;
    if (command === undefined) return { error: `no such command: ${method}` };
    try {
      return await command(this.#tools, args);
    } catch (error) {
      if (error instanceof NotAnswered) return undefined;
      return { error: error instanceof Error ? error.message : String(error) };
    }
  }

  async #reply({ ticket, reply_to: to }: Fields, reply: JsonValue): Promise<void> {
    if (!isFields(to) || typeof to.routing_key !== 'string' || typeof to.exchange !== 'string') return;
    const headers = { ticket: ticket ?? null, clock: this.#parts.lamport.forward() };
    await this.#parts.transport.reply(to as unknown as ReplyAddress, { body: { [this.name]: reply }, headers });
  }
}

/** By name, or by a pattern: a glob or a regular expression. */
function isMeant({ destination, pattern, matcher }: Fields, name: string): boolean {
  if (Array.isArray(destination)) return destination.includes(name);
  if (typeof pattern !== 'string' || pattern === '') return true;
  const source =
    matcher === 'pcre'
      ? pattern
      : pattern
          .replace(/[.+^${}()|\\]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.');
  try {
    return new RegExp(`^(?:${source})${matcher === 'pcre' ? '' : '$'}`).test(name);
  } catch {
    return false; // no pattern that can be read
  }
}

/** A name for who asks or sends. */
export const origin: string = `gen${process.pid}@${hostname()}`;
