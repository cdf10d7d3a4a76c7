import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findActivemq } from '../../../../scripts/ensure-activemq.mjs';
import { findMosquitto } from '../../../../scripts/ensure-mosquitto.mjs';
import { findNats } from '../../../../scripts/ensure-nats.mjs';
import { freePort } from '../../../redis/test/redis-server.ts';
import { missingPart, TestServer } from './test-server.ts';

export const missingNats: string | undefined = missingPart(findNats(), 'ensure-nats.mjs');
export const missingMosquitto: string | undefined = missingPart(findMosquitto(), 'ensure-mosquitto.mjs');
export const missingActivemq: string | undefined = missingPart(findActivemq(), 'ensure-activemq.mjs');

/** NATS with JetStream, which keeps its streams on disk. */
export class NatsServer extends TestServer {
  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), await TestServer.folderFor('nats'));
    await server.launch();
    return server;
  }

  protected async prepare() {
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', join(this.folder, 'data')];
    return { command: findNats() as string, args };
  }
}

/** mosquitto, which keeps sessions and messages on disk. */
export class MosquittoServer extends TestServer {
  static async start(): Promise<MosquittoServer> {
    const server = new MosquittoServer(await freePort(), await TestServer.folderFor('mosquitto'));
    await server.launch();
    return server;
  }

  protected async prepare() {
    const file = join(this.folder, 'mosquitto.conf');
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence true',
      `persistence_location ${this.folder}/`,
      'autosave_interval 1',
      'autosave_on_changes true',
      'max_queued_messages 100000',
      `log_dest file ${this.folder}/log`,
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const user = process.getuid?.() === 0 ? ['-v'] : [];
    return { command: findMosquitto() as string, args: ['-c', file, ...user] };
  }
}

/** ActiveMQ classic with KahaDB, speaking STOMP. */
export class ActivemqServer extends TestServer {
  static async start(): Promise<ActivemqServer> {
    const server = new ActivemqServer(await freePort(), await TestServer.folderFor('activemq'));
    await server.launch();
    return server;
  }

  protected async prepare() {
    const { folder } = this;
    await mkdir(join(folder, 'data'), { recursive: true });
    const schemas = [
      'http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans.xsd',
      'http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd',
    ];
    await writeFile(
      join(folder, 'activemq.xml'),
      `<beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="${schemas.join(' ')}">
  <broker xmlns="http://activemq.apache.org/schema/core" brokerName="lovage" dataDirectory="${folder}/data" useJmx="false">
    <persistenceAdapter><kahaDB directory="${folder}/data/kahadb"/></persistenceAdapter>
    <transportConnectors><transportConnector name="stomp" uri="stomp://127.0.0.1:${this.port}"/></transportConnectors>
  </broker>
</beans>
`,
    );
    const home = '/usr/share/activemq';
    const places = Object.entries({ home, base: folder, conf: folder, data: join(folder, 'data') });
    const args = [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      ...places.map(([name, place]) => `-Dactivemq.${name}=${place}`),
      '-jar',
      `${home}/bin/activemq.jar`,
      'start',
      `xbean:file:${folder}/activemq.xml`,
    ];
    return { command: 'java', args };
  }
}
