import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe } from 'vitest';
import { connectorConformance } from '../src/conformance.ts';
import { nats } from '../src/index.ts';
import { missingNats, NatsServer } from './servers/small-servers.ts';

describe.skipIf(missingNats !== undefined)(`NATS${missingNats ? `: ${missingNats}` : ''}`, () => {
  let server: NatsServer;
  let client: NatsConnection;
  const servers = (): string => `nats://127.0.0.1:${server.port}`;

  beforeAll(async () => {
    server = await NatsServer.start();
    client = await connect({ servers: servers(), maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  }, 150_000);

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  connectorConformance('NATS JetStream', {
    open: async () => {
      const stream = `exam-${randomUUID()}`;
      const manager = await jetstreamManager(client, { timeout: 30_000 });
      const js = jetstream(client, { timeout: 30_000 });
      await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
      return {
        source: () =>
          nats({ servers: servers(), stream, durable: 'exam', ackWait: 5_000, connection: { reconnectTimeWait: 100 } }),
        write: async (records) => {
          for (const { key, value } of records) await insist(() => js.publish(`${stream}.${key}`, value));
        },
        unacknowledged: async () => {
          const { num_pending, num_ack_pending } = await manager.consumers.info(stream, 'exam');
          return num_pending + num_ack_pending;
        },
        restart: async () => {
          await server.kill();
          await server.launch();
          await insist(() => client.flush());
        },
        close: async () => {
          await manager.streams.delete(stream);
        },
      };
    },
  });
});

/** Until the client is connected again: it is told by the error alone. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries > 300) throw error;
      await delay(100);
    }
  }
}
