import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { findKafka } from '../../../../scripts/ensure-kafka.mjs';
import { freePort } from '../../../redis/test/redis-server.ts';
import { missingPart, TestServer } from './test-server.ts';

const classPath = findKafka();

export const missingKafka: string | undefined = missingPart(classPath, 'ensure-kafka.mjs');

/** Kafka in KRaft mode: broker and controller in one process. */
export class KafkaServer extends TestServer {
  readonly #controller: number;
  readonly #settings: Readonly<Record<string, string>>;

  private constructor(ports: readonly [number, number], folder: string, settings: Readonly<Record<string, string>>) {
    super(ports[0], folder);
    this.#controller = ports[1];
    this.#settings = settings;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<KafkaServer> {
    const folder = await TestServer.folderFor('kafka');
    const server = new KafkaServer([await freePort(), await freePort()], folder, settings);
    await server.launch();
    return server;
  }

  get broker(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A client to look and to write with. */
  client(): Kafka {
    return new Kafka({
      brokers: [this.broker],
      logLevel: logLevel.NOTHING,
      retry: { retries: 30, maxRetryTime: 1_000 },
    });
  }

  protected async prepare() {
    const data = join(this.folder, 'data');
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${this.#controller}`,
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROLLER://127.0.0.1:${this.#controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.port}`,
      'controller.listener.names': 'CONTROLLER',
      'log.dirs': data,
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.num.partitions': '1',
      'transaction.state.log.min.isr': '1',
      'group.initial.rebalance.delay.ms': '0',
      'broker.session.timeout.ms': '2000',
      'broker.heartbeat.interval.ms': '500',
      'group.min.session.timeout.ms': '1000',
      'auto.create.topics.enable': 'false',
      ...this.#settings,
    };
    const { mkdir } = await import('node:fs/promises');
    await mkdir(data, { recursive: true });
    const identity = 'version=1\nnode.id=1\ncluster.id=bG92YWdlLXRlc3RzLWthZg\n';
    await writeFile(join(data, 'meta.properties'), identity, { flag: 'wx' }).catch(() => undefined);
    const file = join(this.folder, 'server.properties');
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
    );
    await writeFile(
      join(this.folder, 'log4j.properties'),
      `log4j.rootLogger=WARN, file\nlog4j.appender.file=org.apache.log4j.FileAppender\nlog4j.appender.file.File=${this.folder}/log\nlog4j.appender.file.layout=org.apache.log4j.PatternLayout\nlog4j.appender.file.layout.ConversionPattern=%d %p %m%n\n`,
    );
    const java = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];
    const logs = `-Dlog4j.configuration=file:${this.folder}/log4j.properties`;
    return { command: 'java', args: [...java, logs, '-cp', classPath as string, 'kafka.Kafka', file] };
  }

  /** Until it leads: it opens its port before. */
  protected override async serves(): Promise<boolean> {
    if (!(await super.serves())) return false;
    const admin = new Kafka({ brokers: [this.broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      return brokers.length > 0;
    } catch {
      return false;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}
