import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { until } from '@lovage/core/testing';
import { Cluster } from 'ioredis';
import { RedisServer, type RedisSettings } from './redis-server.ts';

/** How long a node is silent before it is taken for dead, in milliseconds. */
const nodeTimeout = 1_000;

/** A real Redis Cluster of a test file on the loopback: three masters, with a replica each unless said otherwise. */
export class RedisCluster {
  readonly client: Cluster;
  readonly #nodes: readonly RedisServer[];
  readonly #killed = new Set<RedisServer>();

  private constructor(nodes: readonly RedisServer[], tls: boolean) {
    this.#nodes = nodes;
    const hosts = nodes.slice(0, 3).map(({ port }) => ({ host: '127.0.0.1', port }));
    this.client = new Cluster(hosts, tls ? { redisOptions: { tls: { rejectUnauthorized: false } } } : {});
    this.client.on('error', () => {}); // masters of tests die
  }

  /** `tls`: settings of a server with TLS; then the nodes speak it among themselves too. */
  static async start(replicas: 0 | 1 = 1, tls?: RedisSettings): Promise<RedisCluster> {
    const settings = {
      'cluster-enabled': 'yes',
      'cluster-announce-ip': '127.0.0.1',
      'cluster-node-timeout': String(nodeTimeout),
      'cluster-replica-validity-factor': '0', // a replica may be promoted however long ago it heard from its master
      'repl-ping-replica-period': '1',
      ...(tls ? { ...tls, 'tls-cluster': 'yes', 'tls-replication': 'yes' } : {}),
    };
    const nodes = await Promise.all(Array.from({ length: 3 * (1 + replicas) }, () => RedisServer.start(settings)));
    const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const trust = tls ? ['--tls', '--cacert', tls['tls-ca-cert-file'] ?? ''] : [];
    const create = [...trust, '--cluster', 'create', ...hosts, '--cluster-replicas', String(replicas), '--cluster-yes'];
    await promisify(execFile)('redis-cli', create);
    await until(async () => (await Promise.all(nodes.map(isWhole))).every(Boolean), {
      timeout: 20_000,
      what: 'the cluster',
    });
    return new RedisCluster(nodes, tls !== undefined);
  }

  /** Its URL under a scheme such as `redis+cluster`. */
  url(scheme: string): string {
    return `${scheme}://${this.#nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** The port of the master of a key. */
  async masterOf(key: string): Promise<number> {
    const slot = (await this.client.cluster('KEYSLOT', key)) as number;
    const ranges = (await this.client.cluster('SLOTS')) as unknown as [number, number, [string, number]][];
    const [, , [, port]] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? [0, 0, ['', 0]];
    return port;
  }

  /** Launches what was killed, and waits until it has joined: each master has a replica again. */
  async relaunch(): Promise<void> {
    await Promise.all([...this.#killed].map((node) => node.launch()));
    this.#killed.clear();
    await until(
      async () => {
        const whole = await Promise.all(this.#nodes.map(isWhole));
        const roles = await Promise.all(this.#nodes.map(({ client }) => client.role()));
        return whole.every(Boolean) && roles.filter(([role]) => role === 'master').length === 3;
      },
      { timeout: 20_000, what: 'the cluster' },
    );
  }

  /** Ends a node as a crash would. */
  async kill(port: number): Promise<void> {
    const node = this.#nodes.find((one) => one.port === port);
    if (!node) throw new Error(`no node on port ${port}`);
    this.#killed.add(node);
    await node.kill();
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}

/** Whether a node sees the whole cluster, and has what its master has. */
async function isWhole({ client }: RedisServer): Promise<boolean> {
  const [cluster, replication] = await Promise.all([client.cluster('INFO'), client.info('replication')]);
  return String(cluster).includes('cluster_state:ok') && /role:master|master_link_status:up/.test(replication);
}
