import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@lovage/core';
import type { AsyncMessage, Connection, Consumer } from 'rabbitmq-client';
import type { OpenSource, PartitionLag, SourceContext, SourceSystem } from '../source/source-system.ts';
import { AckBatcher } from './ack-batcher.ts';
import { loadPeer } from './load-peer.ts';

/** A queue of RabbitMQ. */
export interface RabbitmqSourceOptions {
  /** `amqp://user:password@host:5672/vhost` */
  readonly url: string;
  readonly queue: string;
  /** Deliveries that are held unacknowledged at once. @default twice the batch */
  readonly prefetch?: number;
}

/** As rabbitmq-client answers a delivery. */
const answer = { ack: 0, requeue: 1 } as const;

/** Reads a queue that exists; needs `rabbitmq-client`. Throws {@link ConfigurationError}. */
export function rabbitmq(options: RabbitmqSourceOptions): SourceSystem {
  const { url, queue } = options;
  for (const [name, value] of Object.entries({ url, queue })) {
    if (typeof value !== 'string' || value === '')
      throw new ConfigurationError(`rabbitmq({ ${name} }): expected a text`);
  }
  return { system: 'rabbitmq', name: `rabbitmq.${queue}`, open: (context) => openRabbitmq(options, context) };
}

async function openRabbitmq(options: RabbitmqSourceOptions, context: SourceContext): Promise<OpenSource> {
  const { url, queue, prefetch = context.batch * 2 } = options;
  const module = await loadPeer('rabbitmq()', 'rabbitmq-client', () => import('rabbitmq-client'));
  const connection: Connection = new module.Connection({ url, acquireTimeout: 10_000 });
  connection.on('error', (error: Error) => context.onError(error));
  const batcher = new AckBatcher(context);
  try {
    await connection.queueDeclare({ queue, passive: true });
  } catch (error) {
    await connection.close();
    throw error;
  }
  const consumer: Consumer = connection.createConsumer(
    { queue, queueOptions: { passive: true }, qos: { prefetchCount: prefetch } },
    (message) => {
      return new Promise((resolve) => {
        const record = toRecord(message);
        batcher.push({ record, ack: () => resolve(answer.ack), release: () => resolve(answer.requeue) });
      });
    },
  );
  consumer.on('error', (error: Error) => context.onError(error));
  return {
    async lag(): Promise<readonly PartitionLag[]> {
      const { messageCount } = await connection.queueDeclare({ queue, passive: true });
      return [{ partition: '', lag: messageCount }];
    },
    async close() {
      await batcher.close();
      await consumer.close();
      await connection.close();
    },
  };
}

/** A message without an id cannot be known again: it gets a name of its own each time. */
function toRecord(message: AsyncMessage): Parameters<AckBatcher['push']>[0]['record'] {
  const { messageId, routingKey, headers = {}, timestamp } = message;
  const position = messageId === undefined || messageId === '' ? randomUUID() : messageId;
  return {
    partition: '',
    position,
    named: position === messageId,
    key: routingKey,
    value: bytesOf(message),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    timestamp: timestamp === undefined ? undefined : timestamp * 1000,
  };
}

/** The client decodes JSON and text by their content type: back to bytes, so that `decode` is the same for every system. */
function bytesOf({ body, contentType }: AsyncMessage): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' && contentType !== 'application/json' ? body : JSON.stringify(body));
}
