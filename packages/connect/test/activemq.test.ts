import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { connectorConformance } from '../src/conformance.ts';
import { stomp } from '../src/index.ts';
import { StompConnection } from '../src/systems/stomp-connection.ts';
import { ActivemqServer, missingActivemq } from './servers/small-servers.ts';

describe.skipIf(missingActivemq !== undefined)(`ActiveMQ${missingActivemq ? `: ${missingActivemq}` : ''}`, () => {
  let server: ActivemqServer;

  beforeAll(async () => {
    server = await ActivemqServer.start();
  }, 150_000);

  afterAll(() => server?.stop());

  connectorConformance('ActiveMQ over STOMP', {
    open: async () => {
      const destination = `/queue/exam-${randomUUID()}`;
      const address = { host: '127.0.0.1', port: server.port };
      return {
        source: () => stomp({ ...address, destination }),
        write: async (records) => {
          const connection = await StompConnection.open(address);
          const sent = records.map(({ value }) =>
            connection.confirm('SEND', { destination, persistent: 'true' }, value),
          );
          await Promise.all(sent);
          connection.close();
        },
        restart: async () => {
          await server.kill();
          await server.launch();
        },
        close: async () => {},
      };
    },
  });
});
