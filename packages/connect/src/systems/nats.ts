import { ConfigurationError } from '@lovage/core';
import type { ConsumerMessages, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import type { SourceRecord } from '../source/record.ts';
import type { OpenSource, PartitionLag, SourceContext, SourceSystem } from '../source/source-system.ts';
import { AckBatcher } from './ack-batcher.ts';
import { loadPeer } from './load-peer.ts';

/** A stream of NATS JetStream, read through a durable consumer. */
export interface NatsSourceOptions {
  /** `nats://host:4222` of some of its servers. */
  readonly servers: string | readonly string[];
  readonly stream: string;
  /** The durable consumer, whose instances share the messages. Made where it is not there yet. */
  readonly durable: string;
  /** @default every subject of the stream */
  readonly filterSubject?: string;
  /** When a message is delivered again that a dead instance had, in milliseconds; for a consumer that is made. @default 30,000 */
  readonly ackWait?: number;
  /** Credentials and TLS, as the client takes them. */
  readonly connection?: Omit<ConnectionOptions, 'servers'>;
}

/** Reads a stream of JetStream; needs `@nats-io/transport-node` and `@nats-io/jetstream`. Throws {@link ConfigurationError}. */
export function nats(options: NatsSourceOptions): SourceSystem {
  const { stream, durable } = options;
  for (const [name, value] of Object.entries({ stream, durable })) {
    if (typeof value !== 'string' || value === '') throw new ConfigurationError(`nats({ ${name} }): expected a text`);
  }
  return { system: 'nats', name: `nats.${stream}`, open: (context) => openNats(options, context) };
}

async function openNats(options: NatsSourceOptions, context: SourceContext): Promise<OpenSource> {
  const packages = '@nats-io/transport-node @nats-io/jetstream';
  const { connect } = await loadPeer('nats()', packages, () => import('@nats-io/transport-node'));
  const js = await loadPeer('nats()', packages, () => import('@nats-io/jetstream'));
  const { servers, stream, durable, connection = {} } = options;
  const list = typeof servers === 'string' ? servers : [...servers];
  const link: NatsConnection = await connect({ maxReconnectAttempts: -1, ...connection, servers: list });
  try {
    const manager = await js.jetstreamManager(link);
    const ackWait = await ensureConsumer(manager, options, js.AckPolicy.Explicit);
    const consumer = await js.jetstream(link).consumers.get(stream, durable);
    const open = new Set<JsMsg>();
    const batcher = new AckBatcher(context, keepAlive(open, ackWait, context));
    const messages = await consumer.consume({
      max_messages: context.batch * 2,
      callback: (message) => {
        open.add(message);
        const settle = (answer: () => void) => () => {
          open.delete(message);
          answer();
        };
        batcher.push({
          record: toRecord(stream, message),
          ack: settle(() => message.ack()),
          release: settle(() => message.nak()),
        });
      },
    });
    void reportTrouble(messages, context);
    return {
      async lag(): Promise<readonly PartitionLag[]> {
        const { num_pending, num_ack_pending, delivered } = await manager.consumers.info(stream, durable);
        return [{ partition: stream, position: String(delivered.stream_seq + 1), lag: num_pending + num_ack_pending }];
      },
      async close() {
        messages.stop();
        await batcher.close();
        await link.drain(); // the answers are on their way
      },
    };
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** Resolves with how long a message may be unanswered, in milliseconds. */
async function ensureConsumer(
  manager: JetStreamManager,
  { stream, durable, filterSubject, ackWait = 30_000 }: NatsSourceOptions,
  explicit: 'explicit',
): Promise<number> {
  try {
    const { config } = await manager.consumers.info(stream, durable);
    return (config.ack_wait ?? 30_000_000_000) / 1_000_000;
  } catch (error) {
    if ((error as Error).name !== 'ConsumerNotFoundError') throw error;
  }
  await manager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: explicit,
    ack_wait: ackWait * 1_000_000,
    max_ack_pending: 10_000,
    ...(filterSubject === undefined ? {} : { filter_subject: filterSubject }),
  });
  return ackWait;
}

/** While a batch waits, the server is told that its messages are worked on, three times in `ackWait`. */
function keepAlive(open: ReadonlySet<JsMsg>, ackWait: number, { clock }: SourceContext): () => Promise<void> {
  let last = clock.monotonic();
  return async () => {
    if (clock.monotonic() - last < ackWait / 3) return;
    last = clock.monotonic();
    for (const message of open) message.working();
  };
}

async function reportTrouble(messages: ConsumerMessages, context: SourceContext): Promise<void> {
  for await (const status of messages.status()) {
    if (
      status.type === 'consumer_not_found' ||
      status.type === 'stream_not_found' ||
      status.type === 'consumer_deleted'
    ) {
      context.onError(new Error(`JetStream: ${status.type}`));
    }
  }
}

function toRecord(stream: string, message: JsMsg): SourceRecord {
  const headers: Record<string, string> = {};
  for (const name of message.headers?.keys() ?? []) headers[name] = message.headers?.get(name) ?? '';
  const { seq, subject, data, info } = message;
  return {
    partition: stream,
    position: String(seq),
    key: subject,
    value: data,
    headers,
    timestamp: Math.floor(info.timestampNanos / 1_000_000),
  };
}
