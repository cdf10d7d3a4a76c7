import { BrokerUnavailableError, type JsonValue, NotSupportedError } from '@lovage/core/driver';
import type { Envelope } from 'rabbitmq-client';
import { bodyOf, type CeleryCall } from '../protocol/celery-call.ts';
import { assertTags, mayHoldTags } from '../protocol/tagged-values.ts';
import type { MetaWrite, RawPush, SettleJob, SettleReply, Settler } from '../worker/settler.ts';
import type { AmqpLink } from './amqp-link.ts';
import type { Topology } from './topology.ts';

/** Ends a delivery: it is over, or goes back to its queue. False where its channel is gone, and the message with it. */
export type EndDelivery = (tag: string, how: 'ack' | 'requeue') => boolean;

/** What the settler needs. */
export interface AmqpSettlerParts {
  readonly link: AmqpLink;
  readonly topology: Topology;
  readonly endDelivery: EndDelivery;
  /** Sends results to whoever waits for them. */
  readonly sendResult: (write: MetaWrite) => Promise<void>;
}

/** The queue of what was parked. */
export const deadQueue = (queue: string): string => `lovage.dead.${queue}`;

/** Settles on RabbitMQ, in the order that loses nothing: what follows is confirmed, results are sent, then the message is acknowledged. */
export class AmqpSettler implements Settler {
  readonly #parts: AmqpSettlerParts;
  /** Another store that results go to: Redis, which counts chords too. */
  #store: Settler | undefined;

  constructor(parts: AmqpSettlerParts) {
    this.#parts = parts;
  }

  get countsChords(): boolean {
    return this.#store?.countsChords ?? false;
  }

  useStore(store: Settler): void {
    this.#store = store;
  }

  async settle(job: SettleJob): Promise<SettleReply> {
    const { tag, ack = false, calls = [], pushes = [], records = [], sizes = [], parts = [], chord } = job;
    const back = pushes.some(({ kind }) => kind === 'front');
    let reply: SettleReply = { done: true, stored: records.map(() => true), parts: [] };
    if (this.#store && records.length + sizes.length + parts.length + (chord === undefined ? 0 : 1) > 0)
      reply = await this.#store.settle({ records, sizes, parts, chord });
    else if (!this.#store) await Promise.all(records.map((write) => this.#parts.sendResult(write)));
    if (tag !== undefined && tag !== '' && reply.stored[0] === false) return { ...reply, done: false };
    if (!reply.done) return reply;
    await Promise.all([...calls.map((call) => this.publish(call)), ...pushes.map((push) => this.#park(push))]);
    if (tag === undefined || tag === '' || !ack) return reply;
    return { ...reply, done: this.#parts.endDelivery(tag, back ? 'requeue' : 'ack') };
  }

  chordMembers(groupId: string): Promise<readonly JsonValue[]> {
    return this.#store?.chordMembers(groupId) ?? Promise.resolve([]);
  }

  readMeta(id: string): Promise<string | undefined> {
    return this.#store?.readMeta(id) ?? Promise.resolve(undefined);
  }

  growChord(groupId: string): Promise<void> {
    if (this.#store) return this.#store.growChord(groupId);
    return Promise.reject(new NotSupportedError('RPC results count no members of chords: use Redis for results'));
  }

  /** Sends a call to its queue; resolves when RabbitMQ has it. */
  async publish(call: CeleryCall): Promise<void> {
    const body = bodyOf(call);
    if (mayHoldTags(body)) assertTags([call.args, call.kwargs], `call of "${String(call.headers.task)}"`);
    await this.#send(envelopeOf(call), Buffer.from(body));
  }

  /** A queue that somebody has deleted, or that went with its server, is declared anew. */
  async #send(envelope: Envelope & { readonly routingKey: string }, body: Buffer): Promise<void> {
    const { link, topology } = this.#parts;
    const queue = envelope.routingKey;
    await topology.queue(queue);
    if (await link.publishToQueue(envelope, body)) return;
    topology.forget();
    await topology.queue(queue);
    if (await link.publishToQueue(envelope, body)) return;
    throw new BrokerUnavailableError(
      `RabbitMQ at ${link.target.display} has no queue "${queue}": another program deletes it`,
    );
  }

  async #park({ kind, queue, text }: RawPush): Promise<void> {
    if (kind !== 'dead') return;
    const dead = deadQueue(queue);
    const envelope = {
      exchange: '',
      routingKey: dead,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      durable: true,
    };
    await this.#send(envelope, Buffer.from(text));
  }
}

function envelopeOf({ queue, headers, properties }: CeleryCall): Envelope & { readonly routingKey: string } {
  const { priority, correlation_id: correlation, reply_to: replyTo } = properties;
  return {
    exchange: '',
    routingKey: queue,
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    durable: true,
    headers: { ...headers },
    ...(typeof priority === 'number' && priority > 0 ? { priority: Math.min(255, Math.round(priority)) } : {}),
    ...(typeof correlation === 'string' ? { correlationId: correlation } : {}),
    ...(typeof replyTo === 'string' && replyTo !== '' ? { replyTo } : {}),
  };
}
