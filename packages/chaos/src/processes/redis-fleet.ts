import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Arena } from '../arena.ts';
import { until } from '../until.ts';
import { keepChild } from './children.ts';
import { freePort } from './port.ts';
import { aofAlways, RedisNode } from './redis-node.ts';

/** A master that sentinels watch. */
export interface SentinelFleet {
  readonly url: string;
  readonly master: RedisNode;
}

const sentinels = 3;
const downAfter = 1_000;

/** A master, a replica and three sentinels that agree. */
export async function startSentinels(arena: Arena): Promise<SentinelFleet> {
  const master = await arena.redis(aofAlways);
  const replica = await arena.redis({ ...aofAlways, replicaof: `127.0.0.1 ${master.port}` });
  await until(
    async () => (await replica.client.info('replication')).includes('master_link_status:up'),
    10_000,
    'the replica',
  );
  const ports = await Promise.all(Array.from({ length: sentinels }, () => startSentinel(arena, master.port)));
  const probe = await RedisNode.connect(ports[0] as number);
  arena.onClose(async () => probe.disconnect());
  const knows = async (what: string, count: number): Promise<boolean> =>
    ((await probe.call('SENTINEL', what, 'mymaster')) as unknown[]).length === count;
  await until(() => knows('sentinels', sentinels - 1), 15_000, 'the sentinels to know each other');
  await until(() => knows('replicas', 1), 15_000, 'the sentinels to know the replica');
  const hosts = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const url = arena.without('fixed-address')
    ? arena.url(master.port)
    : `${arena.options.driver}+sentinel://${hosts}/mymaster`;
  return { url, master };
}

async function startSentinel(arena: Arena, master: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'lovage-chaos-sentinel-'));
  const port = await freePort();
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor mymaster 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds mymaster ${downAfter}`,
    'sentinel failover-timeout mymaster 5000',
  ];
  writeFileSync(file, lines.join('\n'));
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  keepChild(child);
  arena.onClose(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    rmSync(directory, { recursive: true, force: true });
  });
  return port;
}

/** Three masters with a replica each. */
export interface ClusterFleet {
  readonly url: string;
  /** The master of the keys of the default queue. */
  owner(): Promise<RedisNode>;
}

const nodeTimeout = 2_000;

/** Six nodes. */
export async function startCluster(arena: Arena): Promise<ClusterFleet> {
  const settings = {
    ...aofAlways,
    ...(arena.without('no-takeover') ? { 'cluster-replica-no-failover': 'yes' } : {}),
    'cluster-enabled': 'yes',
    'cluster-node-timeout': String(nodeTimeout),
    'cluster-announce-ip': '127.0.0.1',
    'cluster-require-full-coverage': 'no',
  };
  const nodes: RedisNode[] = [];
  for (let count = 0; count < 6; count += 1)
    nodes.push(await arena.redis({ ...settings, 'cluster-port': String(await freePort()) }));
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes']);
  for (const node of nodes) {
    await until(
      async () => String(await node.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      20_000,
      'the cluster',
    );
  }
  for (const node of nodes) {
    await until(
      async () => /role:master|master_link_status:up/.test(await node.client.info('replication')),
      20_000,
      'the replicas',
    );
  }
  const owner = async (): Promise<RedisNode> => {
    for (const node of nodes) {
      const text = String(await node.client.call('CLUSTER', 'NODES'));
      const me = text.split('\n').find((line) => line.includes('myself')) ?? '';
      if (!me.includes('master')) continue;
      if (((await node.client.keys('*{default}*')) as string[]).length > 0) return node; // a queue is a hash tag
    }
    throw new Error('no master holds the queue');
  };
  return { url: `${arena.options.driver}+cluster://${hosts.slice(0, 3).join(',')}`, owner };
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
  }
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}`);
}
