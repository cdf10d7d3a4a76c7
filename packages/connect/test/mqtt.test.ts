import { randomUUID } from 'node:crypto';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe } from 'vitest';
import { connectorConformance } from '../src/conformance.ts';
import { mqtt } from '../src/index.ts';
import { MosquittoServer, missingMosquitto } from './servers/small-servers.ts';

describe.skipIf(missingMosquitto !== undefined)(`MQTT${missingMosquitto ? `: ${missingMosquitto}` : ''}`, () => {
  let server: MosquittoServer;
  let client: MqttClient;
  const url = (): string => `mqtt://127.0.0.1:${server.port}`;

  beforeAll(async () => {
    server = await MosquittoServer.start();
    client = await connectAsync(url(), { reconnectPeriod: 100 });
    client.on('error', () => {});
  }, 150_000);

  afterAll(async () => {
    await client?.endAsync(true);
    await server?.stop();
  });

  connectorConformance('MQTT on mosquitto', {
    source: { id: ({ value }) => String((value as { n: number }).n) },
    records: 300,
    skip: {
      'three instances share the records, and lose none when one comes or goes':
        'a session is of one client: what an instance holds waits for that instance, and no other gets it',
    },
    open: async () => {
      const topic = `exam-${randomUUID()}`;
      return {
        source: () => mqtt({ url: url(), topic: `${topic}/+`, clientId: topic, connection: { reconnectPeriod: 100 } }),
        write: async (records) => {
          for (const { key, value } of records) {
            await client.publishAsync(`${topic}/${key}`, Buffer.from(value), { qos: 1 });
          }
        },
        close: async () => {},
      };
    },
  });
});
