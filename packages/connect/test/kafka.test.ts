import { randomUUID } from 'node:crypto';
import type { Admin, Kafka, Producer } from 'kafkajs';
import { afterAll, beforeAll, describe } from 'vitest';
import { connectorConformance } from '../src/conformance.ts';
import { kafka } from '../src/index.ts';
import { KafkaServer, missingKafka } from './servers/kafka-server.ts';

describe.skipIf(missingKafka !== undefined)(`Kafka${missingKafka ? `: ${missingKafka}` : ''}`, () => {
  let server: KafkaServer;
  let client: Kafka;
  let admin: Admin;
  let producer: Producer;

  beforeAll(async () => {
    server = await KafkaServer.start();
    client = server.client();
    admin = client.admin();
    producer = client.producer();
    await Promise.all([admin.connect(), producer.connect()]);
  }, 150_000);

  afterAll(async () => {
    await Promise.allSettled([admin?.disconnect(), producer?.disconnect()]);
    await server?.stop();
  });

  const restart = async (): Promise<void> => {
    await server.kill();
    await server.launch();
  };

  connectorConformance('Kafka', {
    open: async () => {
      const topic = `exam-${randomUUID()}`;
      const group = `group-${topic}`;
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 4 }] });
      return {
        source: () => kafka({ brokers: [server.broker], topic, group, sessionTimeout: 10_000 }),
        write: async (records) => {
          await producer.send({
            topic,
            messages: records.map(({ key, value }) => ({ key, value: Buffer.from(value) })),
          });
        },
        unacknowledged: async () => {
          const [ends, [found]] = await Promise.all([
            admin.fetchTopicOffsets(topic),
            admin.fetchOffsets({ groupId: group, topics: [topic] }),
          ]);
          return ends.reduce((left, { partition, high }) => {
            const offset = Number(found?.partitions.find((one) => one.partition === partition)?.offset ?? 0);
            return left + Number(high) - Math.max(0, offset);
          }, 0);
        },
        // a restart of this server takes long: `npm run test:connect`
        ...(process.env['LOVAGE_LONG'] === '1' ? { restart } : {}),
        close: async () => {},
      };
    },
  });
});
