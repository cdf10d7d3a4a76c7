import { ConfigurationError } from '@lovage/core';
import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaConfig, KafkaMessage } from 'kafkajs';
import type { SourceRecord } from '../source/record.ts';
import type { OpenSource, PartitionLag, SeekTarget, SourceContext, SourceSystem } from '../source/source-system.ts';
import { loadPeer } from './load-peer.ts';

/** A Kafka cluster. */
export interface KafkaConnection {
  /** `host:port` of some of its brokers. */
  readonly brokers: readonly string[];
  /** @default 'lovage' */
  readonly clientId?: string;
  /** As kafkajs takes it. */
  readonly ssl?: KafkaConfig['ssl'];
  /** As kafkajs takes it. */
  readonly sasl?: KafkaConfig['sasl'];
}

/** A topic, read as a consumer group. */
export interface KafkaSourceOptions extends KafkaConnection {
  readonly topic: string;
  /** Its committed offsets say where to go on; its members share the partitions. */
  readonly group: string;
  /** Where a group that has no offsets yet begins. @default 'earliest' */
  readonly from?: 'earliest' | 'latest';
  /** How long a member may be silent before its partitions go to others, in milliseconds. @default 30,000 */
  readonly sessionTimeout?: number;
}

/** Reads a topic of Kafka; needs `kafkajs`. Throws {@link ConfigurationError}. */
export function kafka(options: KafkaSourceOptions): SourceSystem {
  const { brokers, topic, group } = options;
  if (!Array.isArray(brokers) || brokers.length === 0) {
    throw new ConfigurationError('kafka({ brokers }): expected a list of "host:port"');
  }
  for (const [name, value] of Object.entries({ topic, group })) {
    if (typeof value !== 'string' || value === '') throw new ConfigurationError(`kafka({ ${name} }): expected a text`);
  }
  return { system: 'kafka', name: `kafka.${topic}`, open: (context) => KafkaReader.open(options, context) };
}

/** @internal A client whose log lines go to the app's logger. */
export async function kafkaClient(
  { brokers, clientId = 'lovage', ssl, sasl }: KafkaConnection,
  { logger }: Pick<SourceContext, 'logger'>,
): Promise<Kafka> {
  const module = await loadPeer('kafka()', 'kafkajs', () => import('kafkajs'));
  const { Kafka, logLevel } = module.default ?? module;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => logger.debug(`kafkajs: ${entry.log.message}`),
    connectionTimeout: 3_000,
    retry: { initialRetryTime: 200, maxRetryTime: 3_000, retries: 8 },
  });
}

/** How often a consumer that crashed for good is made anew, in milliseconds. */
const restartPause = 1_000;

class KafkaReader implements OpenSource {
  readonly #options: KafkaSourceOptions;
  readonly #context: SourceContext;
  readonly #client: Kafka;
  readonly #admin: Admin;
  #consumer: Consumer | undefined;
  #assigned: readonly number[] = [];
  #underWay = 0;
  #idle: (() => void) | undefined;
  #closed = false;

  private constructor(options: KafkaSourceOptions, context: SourceContext, client: Kafka) {
    this.#options = options;
    this.#context = context;
    this.#client = client;
    this.#admin = client.admin();
  }

  static async open(options: KafkaSourceOptions, context: SourceContext): Promise<KafkaReader> {
    const reader = new KafkaReader(options, context, await kafkaClient(options, context));
    try {
      await reader.#admin.connect();
      await reader.#consume();
      return reader;
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  async #consume(): Promise<void> {
    const { group, topic, from = 'earliest', sessionTimeout = 30_000 } = this.#options;
    const consumer = this.#client.consumer({
      groupId: group,
      sessionTimeout,
      heartbeatInterval: Math.min(3_000, sessionTimeout / 3),
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 500,
      retry: { initialRetryTime: 200, maxRetryTime: 3_000, retries: 8, restartOnFailure: async () => !this.#closed },
    });
    this.#consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assigned = payload.memberAssignment[topic] ?? [];
      void this.#nameGaps(this.#assigned).catch((error: Error) => this.#context.onError(error));
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (this.#closed) return;
      this.#context.onError(payload.error);
      if (!payload.restart) this.#context.clock.after(restartPause, () => void this.#again());
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: from === 'earliest' });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: (payload) => this.#batch(payload),
    });
  }

  /** kafkajs gives up on errors that it takes for lasting; a topic may be created, or a right be granted, later. */
  async #again(): Promise<void> {
    if (this.#closed) return;
    const old = this.#consumer;
    try {
      await old?.disconnect().catch(() => undefined);
      if (!this.#closed) await this.#consume();
    } catch (error) {
      this.#context.onError(error as Error);
      this.#context.clock.after(restartPause, () => void this.#again());
    }
  }

  async #batch({ batch, heartbeat, isRunning, isStale, resolveOffset }: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = batch;
    this.#underWay += 1;
    try {
      for (let start = 0; start < messages.length; start += this.#context.batch) {
        if (this.#closed || !isRunning() || isStale()) return;
        const chunk = messages.slice(start, start + this.#context.batch);
        await this.#context.accept(
          chunk.map((message) => toRecord(partition, message)),
          heartbeat,
        );
        const last = chunk.at(-1) as KafkaMessage;
        resolveOffset(last.offset);
        await this.#consumer?.commitOffsets([{ topic, partition, offset: String(BigInt(last.offset) + 1n) }]);
        await heartbeat();
      }
      if (messages.length === 0) resolveOffset(batch.lastOffset()); // control records alone
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    }
  }

  /** A committed offset that retention has deleted: kafkajs would go on at the oldest record without a word. */
  async #nameGaps(partitions: readonly number[]): Promise<void> {
    const positions = await this.#positions();
    for (const { partition, committed, low, high } of positions) {
      if (!partitions.includes(partition) || committed === undefined) continue;
      if (committed < low) {
        this.#context.onGap({ partition: String(partition), from: String(committed), to: String(low) });
      } else if (committed > high) {
        this.#context.onError(
          new Error(
            `offset out of range: partition ${partition} was to be read from ${committed} and ends at ${high}: ` +
              'was the topic created anew? Its records have ids that were used before: give the source another name',
          ),
        );
      }
    }
  }

  async #positions(): Promise<readonly Position[]> {
    const { topic, group } = this.#options;
    const [ends, groups] = await Promise.all([
      this.#admin.fetchTopicOffsets(topic),
      this.#admin.fetchOffsets({ groupId: group, topics: [topic] }),
    ]);
    const committed = new Map(groups[0]?.partitions.map((found) => [found.partition, BigInt(found.offset)]));
    return ends.map(({ partition, low, high }) => {
      const offset = committed.get(partition);
      return {
        partition,
        low: BigInt(low),
        high: BigInt(high),
        committed: offset === undefined || offset < 0n ? undefined : offset,
      };
    });
  }

  async lag(): Promise<readonly PartitionLag[]> {
    const positions = await this.#positions();
    const { from = 'earliest' } = this.#options;
    return positions
      .filter(({ partition }) => this.#assigned.includes(partition))
      .map(({ partition, low, high, committed }) => {
        const position = committed ?? (from === 'earliest' ? low : high);
        const lag = Math.max(0, Math.min(Number(high - position), Number(high - low)));
        return { partition: String(partition), position: String(position), lag };
      });
  }

  async seek(to: SeekTarget): Promise<void> {
    const { topic } = this.#options;
    const offsets = await this.#offsetsOf(to);
    for (const { partition, offset } of offsets) {
      if (!this.#assigned.includes(partition)) continue;
      this.#consumer?.seek({ topic, partition, offset });
    }
  }

  async #offsetsOf(to: SeekTarget): Promise<readonly { readonly partition: number; readonly offset: string }[]> {
    const { topic } = this.#options;
    if (typeof to === 'object' && 'timestamp' in to)
      return this.#admin.fetchTopicOffsetsByTimestamp(topic, to.timestamp);
    const ends = await this.#admin.fetchTopicOffsets(topic);
    return ends.map(({ partition, low, high }) => {
      return { partition, offset: to === 'earliest' ? low : to === 'latest' ? high : to.position };
    });
  }

  /** The batch under way is committed first, where it was accepted. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await Promise.allSettled([this.#consumer?.disconnect(), this.#admin.disconnect()]);
  }
}

interface Position {
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
  /** Undefined: the group has not committed yet. */
  readonly committed: bigint | undefined;
}

function toRecord(partition: number, { key, value, offset, timestamp, headers = {} }: KafkaMessage): SourceRecord {
  const read: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const header = headers[name];
    read[name] = Array.isArray(header) ? header.map(String).join(', ') : String(header ?? '');
  }
  return {
    partition: String(partition),
    position: offset,
    key: key?.toString('utf8'),
    value,
    headers: read,
    timestamp: Number(timestamp),
  };
}
