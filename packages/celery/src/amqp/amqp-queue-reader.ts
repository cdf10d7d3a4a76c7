import type { JsonValue } from '@lovage/core/driver';
import type { AsyncMessage, Channel } from 'rabbitmq-client';
import { readTask } from '../protocol/celery-task.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import type { QueueReader, QueueReaderSink } from '../worker/consumer.ts';
import type { AmqpLink } from './amqp-link.ts';
import type { Deliveries } from './deliveries.ts';
import type { Topology } from './topology.ts';

const troublePause = 500;
/** Where the limit cannot be changed, so many may wait for their time, or for a slot, beside the slots. */
const spare = 100;
/** AMQP counts them in 16 bits. */
const mostPrefetched = 65_535;

interface Lane {
  readonly queue: string;
  channel: Channel | undefined;
  /** Quorum queues take no limit that can be changed. */
  fixed: boolean;
  prefetch: number;
  open: boolean;
  opening: boolean;
  polls: number;
}

/** Takes messages off RabbitMQ, a channel for each queue, at most as many as there are slots; tasks that wait for their time widen it. */
export class AmqpQueueReader implements QueueReader {
  readonly #link: AmqpLink;
  readonly #topology: Topology;
  readonly #deliveries: Deliveries;
  readonly #sink: QueueReaderSink;
  readonly #lanes = new Map<string, Lane>();
  #paused = false;
  #closed = false;

  constructor(
    link: AmqpLink,
    sink: QueueReaderSink,
    parts: { readonly topology: Topology; readonly deliveries: Deliveries },
  ) {
    this.#link = link;
    this.#sink = sink;
    this.#topology = parts.topology;
    this.#deliveries = parts.deliveries;
  }

  async start(): Promise<void> {
    await Promise.all(this.#sink.request.queues.map((queue) => this.addQueue(queue)));
  }

  wake(): void {
    for (const lane of this.#lanes.values()) this.#widen(lane);
  }

  async addQueue(queue: string): Promise<void> {
    if (this.#lanes.has(queue)) return;
    const lane: Lane = { queue, channel: undefined, fixed: false, prefetch: 0, open: true, opening: false, polls: 0 };
    this.#lanes.set(queue, lane);
    await this.#open(lane).catch((error: Error) => this.#again(lane, error));
  }

  async removeQueue(queue: string): Promise<void> {
    const lane = this.#lanes.get(queue);
    if (lane === undefined) return;
    this.#lanes.delete(queue);
    lane.open = false;
    await lane.channel?.basicCancel(tagOf(lane)).catch(() => {}); // its channel is gone: nothing comes any more
  }

  pause(): void {
    this.#paused = true;
    for (const lane of this.#lanes.values()) void lane.channel?.basicCancel(tagOf(lane)).catch(() => {});
  }

  resume(): void {
    this.#paused = false;
    for (const lane of this.#lanes.values()) {
      if (lane.channel)
        void this.#consume(lane, lane.channel).catch((error: Error) => this.#sink.request.onError(error));
    }
  }

  /** RabbitMQ pushes: nobody is asked, and a dead connection is found by its heartbeat. */
  polls(): ReadonlyMap<string, number> {
    return new Map();
  }

  async rebuild(): Promise<void> {
    for (const lane of this.#lanes.values()) await lane.channel?.close().catch(() => {});
  }

  /** What is still held goes back to its queue with the channel. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const lane of this.#lanes.values()) {
      lane.open = false;
      void lane.channel?.close().catch(() => {});
    }
  }

  /** One at a time: a channel that closes while it is opened says so twice. */
  async #open(lane: Lane): Promise<void> {
    if (lane.opening || lane.channel) return;
    lane.opening = true;
    await this.#openAnew(lane).finally(() => {
      lane.opening = false;
    });
  }

  async #openAnew(lane: Lane): Promise<void> {
    await this.#topology.queue(lane.queue);
    const channel = await this.#link.channel();
    const name = this.#deliveries.add(channel);
    lane.channel = channel;
    channel.on('close', () => {
      this.#left(lane, channel, name);
      if (lane.open && !this.#closed) this.#again(lane, undefined);
    });
    channel.on('basic.cancel', () => void channel.close().catch(() => {})); // the queue was deleted: it is declared anew
    try {
      await this.#link.answered(this.#begin(lane, channel, name));
    } catch (error) {
      this.#left(lane, channel, name); // it may have closed before anybody listened, or it does not answer
      void channel.close().catch(() => {});
      throw error;
    }
  }

  async #begin(lane: Lane, channel: Channel, name: string): Promise<void> {
    lane.prefetch = this.#wanted() + (lane.fixed ? spare : 0);
    await channel.basicQos({ prefetchCount: lane.prefetch, global: !lane.fixed });
    if (!this.#paused) await this.#consume(lane, channel, name);
  }

  /** What was delivered over a channel that is gone went back to its queue. */
  #left(lane: Lane, channel: Channel, name: string): void {
    if (lane.channel === channel) lane.channel = undefined;
    this.#deliveries.drop(name);
    this.#sink.lost(this.#sink.tags().filter((tag) => tag.startsWith(`${name}:`)));
  }

  async #consume(lane: Lane, channel: Channel, name: string = this.#deliveries.nameOf(channel) ?? ''): Promise<void> {
    await channel.basicConsume({ queue: lane.queue, consumerTag: tagOf(lane), noAck: false }, (message) => {
      lane.polls += 1;
      this.#take(lane, name, message);
    });
  }

  /** A lost channel is opened again; a quorum queue says that its limit must be a channel's own. */
  #again(lane: Lane, error: Error | undefined): void {
    if (!lane.open || this.#closed) return;
    this.#topology.forget();
    const isQuorum =
      error !== undefined && /global qos|NOT_IMPLEMENTED/i.test(`${error.message} ${String(error.cause)}`);
    if (isQuorum) lane.fixed = true;
    else if (error) this.#sink.request.onError(error);
    this.#link.clock.after(isQuorum ? 0 : troublePause, () => {
      if (!lane.open || this.#closed || lane.channel) return;
      this.#open(lane).catch((again: Error) => this.#again(lane, again));
    });
  }

  #wanted(): number {
    return Math.min(mostPrefetched, Math.max(1, this.#sink.slots() + this.#sink.resting()));
  }

  #widen(lane: Lane): void {
    const wanted = this.#wanted();
    if (lane.fixed || !lane.channel || wanted === lane.prefetch) return;
    lane.prefetch = wanted;
    lane.channel.basicQos({ prefetchCount: wanted, global: true }).catch(() => {}); // its channel is gone: the next one is told
  }

  #take(lane: Lane, channel: string, message: AsyncMessage): void {
    if (!this.#deliveries.has(channel)) return; // it came with the last bytes of a channel that is gone, and comes again
    const body: Buffer = Buffer.isBuffer(message.body)
      ? message.body
      : Buffer.from(typeof message.body === 'string' ? message.body : JSON.stringify(message.body));
    const headers = plainHeaders(message.headers);
    const redelivered = message.redelivered ? { redelivered: true } : {};
    const properties = propertiesOf(message);
    const tag = `${channel}:${message.deliveryTag}`;
    const text = JSON.stringify({ body: body.toString(), headers, properties });
    this.#sink.take({ tag, queue: lane.queue, text }, () =>
      readTask(
        {
          body,
          contentType: message.contentType ?? 'application/json',
          headers: { ...headers, ...redelivered },
          properties,
        },
        { integers: this.#link.target.integers },
      ),
    );
    this.#widen(lane);
  }
}

const tagOf = ({ queue }: Lane): string => `lovage.${process.pid}.${queue}`;

/** As JSON: an AMQP table may hold buffers and the like. */
function plainHeaders(headers: AsyncMessage['headers']): Fields {
  const plain = JSON.parse(
    JSON.stringify(headers ?? {}, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)),
  ) as JsonValue;
  return isFields(plain) ? plain : {};
}

function propertiesOf({ correlationId, replyTo, priority, redelivered }: AsyncMessage): Fields {
  return {
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    ...(priority === undefined ? {} : { priority }),
    ...(redelivered ? { redelivered } : {}),
  };
}
