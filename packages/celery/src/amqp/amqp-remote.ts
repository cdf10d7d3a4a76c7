import { randomUUID } from 'node:crypto';
import type { JsonValue, Logger } from '@lovage/core/driver';
import type { AsyncMessage, Channel } from 'rabbitmq-client';
import { isFields } from '../protocol/json-schema.ts';
import { parsePythonJson } from '../protocol/python-json.ts';
import {
  exchanges,
  type RemoteMessage,
  type RemoteTransport,
  type ReplyAddress,
  type Unlisten,
} from '../remote/remote-transport.ts';
import type { AmqpLink } from './amqp-link.ts';
import type { Topology } from './topology.ts';

type Listener = (message: RemoteMessage) => void;

/** A queue to listen at. */
interface Post {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly exclusive?: boolean;
  readonly arguments: Readonly<Record<string, number>>;
}

const reopenPause = 500;

/** Celery's remote control and events on RabbitMQ. */
export class AmqpRemote implements RemoteTransport {
  readonly #link: AmqpLink;
  readonly #topology: Topology;
  readonly #logger: Logger;

  constructor(link: AmqpLink, topology: Topology, logger: Logger) {
    this.#link = link;
    this.#topology = topology;
    this.#logger = logger;
  }

  async broadcast(exchange: string, routingKey: string, message: RemoteMessage): Promise<undefined> {
    await this.#declare(exchange);
    await this.#send(exchange, routingKey, message);
    return undefined;
  }

  async reply({ exchange, routing_key: key }: ReplyAddress, message: RemoteMessage): Promise<void> {
    await this.#send(exchange, key, message);
  }

  listenToCommands(node: string, listener: Listener): Promise<Unlisten> {
    const queue = `${node}.celery.pidbox`;
    const args = { 'x-message-ttl': 300_000, 'x-expires': 10_000 };
    return this.#listen({ queue, exchange: exchanges.commands, routingKey: '', arguments: args }, listener);
  }

  listenToEvents(exchange: string, listener: Listener): Promise<Unlisten> {
    const queue = `${exchange}.${randomUUID()}`;
    const args = { 'x-message-ttl': 5_000, 'x-expires': 60_000 };
    return this.#listen({ queue, exchange, routingKey: '#', exclusive: true, arguments: args }, listener);
  }

  collectReplies(routingKey: string, listener: Listener): Promise<Unlisten> {
    const queue = `${routingKey}.${exchanges.replies}`;
    return this.#listen(
      { queue, exchange: exchanges.replies, routingKey, arguments: { 'x-expires': 10_000 } },
      listener,
    );
  }

  #declare(exchange: string): Promise<void> {
    if (exchange === exchanges.commands) return this.#topology.exchange(exchange, 'fanout', false);
    if (exchange === exchanges.replies) return this.#topology.exchange(exchange, 'direct', false);
    return this.#topology.exchange(exchange, 'topic', true);
  }

  async #send(exchange: string, routingKey: string, { body, headers }: RemoteMessage): Promise<void> {
    const envelope = {
      exchange,
      routingKey,
      headers: { ...headers },
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      durable: false,
    };
    await this.#link.publish(envelope, Buffer.from(JSON.stringify(body)));
  }

  async #listen(post: Post, listener: Listener): Promise<Unlisten> {
    let open = true;
    let channel: Channel | undefined;
    const start = async (): Promise<void> => {
      channel = await this.#consume(post, listener, () => {
        if (open && !this.#link.closed) this.#link.clock.after(reopenPause, again, { background: true });
      });
    };
    const again = (): void =>
      void start().catch(
        () => open && !this.#link.closed && this.#link.clock.after(reopenPause, again, { background: true }),
      );
    await start();
    return async () => {
      open = false;
      await channel?.close().catch(() => {}); // its queue goes with it
    };
  }

  async #consume(post: Post, listener: Listener, onClose: () => void): Promise<Channel> {
    await this.#declare(post.exchange);
    const channel = await this.#link.channel();
    channel.on('close', onClose);
    const { queue, exchange, routingKey, exclusive = false } = post;
    await channel.queueDeclare({
      queue,
      durable: false,
      autoDelete: true,
      exclusive,
      arguments: { ...post.arguments },
    });
    await channel.queueBind({ queue, exchange, routingKey });
    await channel.basicConsume({ queue, noAck: true }, (message) => this.#tell(message, listener));
    return channel;
  }

  /** What cannot be read is nobody's. */
  #tell({ body, headers }: AsyncMessage, listener: Listener): void {
    try {
      const plain: JsonValue = Buffer.isBuffer(body) ? parsePythonJson(body.toString()) : (body as JsonValue);
      const fields = (headers ?? {}) as JsonValue;
      listener({ body: plain, headers: isFields(fields) ? fields : {} });
    } catch (error) {
      this.#logger.debug("could not read a message of Celery's remote control", { error });
    }
  }
}
