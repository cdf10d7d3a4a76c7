import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '@lovage/core';
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt';
import type { SourceRecord } from '../source/record.ts';
import type { OpenSource, SourceContext, SourceSystem } from '../source/source-system.ts';
import { loadPeer } from './load-peer.ts';

/** A subscription of an MQTT broker. */
export interface MqttSourceOptions {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…` */
  readonly url: string;
  /** A topic filter: `sensors/+/temperature`. */
  readonly topic: string;
  /** Names the session, in which the broker keeps what comes while nobody is connected: one for each instance, and the same each time. */
  readonly clientId: string;
  /** How long the broker keeps the session, in seconds; of MQTT 5. @default a week */
  readonly sessionExpiry?: number;
  /** Credentials and TLS, as the client takes them. */
  readonly connection?: Omit<IClientOptions, 'clientId' | 'clean' | 'protocolVersion'>;
}

/** Reads a topic by QoS 1; needs `mqtt`. Throws {@link ConfigurationError}. */
export function mqtt(options: MqttSourceOptions): SourceSystem {
  const { url, topic, clientId } = options;
  for (const [name, value] of Object.entries({ url, topic, clientId })) {
    if (typeof value !== 'string' || value === '') throw new ConfigurationError(`mqtt({ ${name} }): expected a text`);
  }
  return { system: 'mqtt', name: `mqtt.${clientId}`, open: (context) => openMqtt(options, context) };
}

async function openMqtt(options: MqttSourceOptions, context: SourceContext): Promise<OpenSource> {
  const { url, topic, clientId, sessionExpiry = 604_800, connection = {} } = options;
  const { connect } = await loadPeer('mqtt()', 'mqtt', () => import('mqtt'));
  const client: MqttClient = connect(url, {
    reconnectPeriod: 500,
    ...connection,
    clientId,
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: sessionExpiry },
    manualConnect: true,
  });
  let underWay: Promise<void> = Promise.resolve();
  let closing = false;
  // PUBACK follows the callback, and the next packet is read after it: what is not accepted is never acknowledged
  client.handleMessage = (packet, done) => {
    if (packet.cmd !== 'publish' || closing) return;
    underWay = context.accept([toRecord(packet)]).then(
      () => done(),
      (error: Error) => {
        if (!closing && error.name !== 'ClosedError') context.onError(error);
      },
    );
  };
  client.on('error', (error: Error) => context.onError(error));
  const first = firstConnect(client);
  client.connect();
  try {
    await first;
    const [granted] = await client.subscribeAsync(topic, { qos: 1 });
    if (granted && granted.qos > 2) throw new Error(`the broker refused the subscription to ${topic} (${granted.qos})`);
  } catch (error) {
    await client.endAsync(true);
    throw error;
  }
  return {
    lag: async () => [], // MQTT has no question for it
    async close() {
      closing = true;
      await underWay;
      await client.endAsync(true);
    },
  };
}

function firstConnect(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('the MQTT broker cannot be reached')));
  });
}

function toRecord({ topic, payload, properties }: IPublishPacket): SourceRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(properties?.userProperties ?? {})) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    partition: '',
    position: randomUUID(),
    named: false,
    key: topic,
    value: typeof payload === 'string' ? Buffer.from(payload) : payload,
    headers,
  };
}
