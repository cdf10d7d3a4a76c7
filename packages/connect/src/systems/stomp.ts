import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@lovage/core';
import { sleep } from '@lovage/core/connector';
import type { SourceRecord } from '../source/record.ts';
import type { OpenSource, SourceContext, SourceSystem } from '../source/source-system.ts';
import { AckBatcher } from './ack-batcher.ts';
import { type StompAddress, StompConnection } from './stomp-connection.ts';
import type { StompFrame } from './stomp-frames.ts';

/** A destination of a STOMP broker: ActiveMQ, Artemis, RabbitMQ. */
export interface StompSourceOptions extends StompAddress {
  /** `/queue/orders` */
  readonly destination: string;
  /** Deliveries held unacknowledged at once, as ActiveMQ bounds them. @default twice the batch */
  readonly prefetch?: number;
  /** More headers of SUBSCRIBE, such as `activemq.exclusive`. */
  readonly subscribe?: Readonly<Record<string, string>>;
}

/** Pause before a lost connection is made anew, in milliseconds. */
const reconnectPause = 500;

/** Reads a queue over STOMP 1.2; needs no client. Throws {@link ConfigurationError}. */
export function stomp(options: StompSourceOptions): SourceSystem {
  const { host, destination } = options;
  for (const [name, value] of Object.entries({ host, destination })) {
    if (typeof value !== 'string' || value === '') throw new ConfigurationError(`stomp({ ${name} }): expected a text`);
  }
  return {
    system: 'stomp',
    name: `stomp.${destination.replace(/^\//, '')}`,
    open: async (context) => {
      const reader = new StompReader(options, context);
      await reader.connect();
      return reader;
    },
  };
}

/**
 * Acknowledges each message by itself. NACK is never sent: ActiveMQ drops a NACKed message for good unless it was sent persistent;
 * closing the connection gives everything back.
 */
class StompReader implements OpenSource {
  readonly #options: StompSourceOptions;
  readonly #context: SourceContext;
  #connection: StompConnection | undefined;
  #batcher: AckBatcher | undefined;
  #closed = false;

  constructor(options: StompSourceOptions, context: SourceContext) {
    this.#options = options;
    this.#context = context;
  }

  async connect(): Promise<void> {
    const { destination, subscribe = {}, prefetch = this.#context.batch * 2 } = this.#options;
    const connection = await StompConnection.open(this.#options);
    const batcher = new AckBatcher(this.#context);
    this.#connection = connection;
    this.#batcher = batcher;
    connection.onFrame((frame) => {
      if (frame.command === 'MESSAGE') {
        const id = frame.headers['ack'] ?? '';
        batcher.push({ record: toRecord(frame), ack: () => connection.send('ACK', { id }), release: () => {} });
      } else if (frame.command === 'ERROR') {
        this.#context.onError(new Error(`STOMP: ${frame.headers['message'] ?? frame.body.toString('utf8')}`));
      }
    });
    const flow = { 'activemq.prefetchSize': String(prefetch), 'prefetch-count': String(prefetch) };
    await connection.confirm('SUBSCRIBE', { id: '0', destination, ack: 'client-individual', ...flow, ...subscribe });
    void connection.closed.then((reason) => this.#lost(reason, batcher));
  }

  async #lost(reason: Error, batcher: AckBatcher): Promise<void> {
    batcher.reset();
    if (!this.#closed) this.#context.onError(reason);
    while (!this.#closed) {
      await sleep(this.#context.clock, reconnectPause);
      if (this.#closed) return;
      try {
        return await this.connect();
      } catch (error) {
        this.#context.onError(error as Error);
      }
    }
  }

  /** STOMP has no question for it. */
  async lag(): Promise<readonly []> {
    return [];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#batcher?.close();
    await this.#connection?.confirm('DISCONNECT', {}).catch(() => undefined); // so that the last ACKs are carried out
    this.#connection?.close();
  }
}

function toRecord({ headers, body }: StompFrame): SourceRecord {
  const { 'message-id': id = '', destination, timestamp } = headers;
  const position = id === '' ? randomUUID() : id;
  return {
    partition: '',
    position,
    named: position === id,
    key: destination,
    value: body,
    headers,
    timestamp: timestamp === undefined ? undefined : Number(timestamp),
  };
}
