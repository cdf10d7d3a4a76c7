import { randomUUID } from 'node:crypto';
import { Connection } from 'rabbitmq-client';
import { afterAll, beforeAll, describe } from 'vitest';
import { missingRabbitmq, RabbitmqServer } from '../../celery/test/rabbitmq-server.ts';
import { connectorConformance } from '../src/conformance.ts';
import { rabbitmq } from '../src/index.ts';

describe.skipIf(missingRabbitmq !== undefined)(`RabbitMQ${missingRabbitmq ? `: ${missingRabbitmq}` : ''}`, () => {
  let server: RabbitmqServer;
  let client: Connection;

  beforeAll(async () => {
    server = await RabbitmqServer.start();
    client = new Connection(server.url.replace(/\/\/$/, '/'));
    client.on('error', () => {});
  }, 150_000);

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  const restart = async (): Promise<void> => {
    await server.kill();
    await server.launch();
  };

  connectorConformance('RabbitMQ', {
    open: async () => {
      const queue = `exam-${randomUUID()}`;
      await client.queueDeclare({ queue, durable: true });
      const publisher = client.createPublisher({ confirm: true, maxAttempts: 100 });
      return {
        source: () => rabbitmq({ url: server.url.replace(/\/\/$/, '/'), queue }),
        write: async (records) => {
          const envelope = { routingKey: queue, durable: true, contentType: 'application/octet-stream' };
          const sent = records.map(({ value }) =>
            publisher.send({ ...envelope, messageId: randomUUID() }, Buffer.from(value)),
          );
          await Promise.all(sent); // one by one, each would wait for a write to the disk
        },
        unacknowledged: async () => (await client.queueDeclare({ queue, passive: true })).messageCount,
        // a restart of this server takes long: `npm run test:connect`
        ...(process.env['LOVAGE_LONG'] === '1' ? { restart } : {}),
        close: async () => {
          await publisher.close();
        },
      };
    },
  });
});
