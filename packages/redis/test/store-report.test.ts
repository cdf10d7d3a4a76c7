import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { connect } from './bench.ts';
import { RedisServer, type RedisSettings } from './redis-server.ts';

let server: RedisServer | undefined;
afterEach(() => server?.stop());

async function warningsOf(settings: RedisSettings, user?: readonly string[]): Promise<readonly string[]> {
  server = await RedisServer.start(settings);
  let url = server.url;
  if (user) {
    await server.client.call('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', ...user);
    url = url.replace('redis://', 'redis://limited:pw@');
  }
  const connection = connect(url);
  const report = await connection.check(5_000);
  await connection.close(1_000);
  expect(report.version).toMatch(/^Redis \d+\.\d+\.\d+$/);
  return report.warnings;
}

it('warns of a Redis that keeps nothing', async () => {
  expect(await warningsOf({})).toEqual([expect.stringMatching(/nothing on disk.*set appendonly yes/)]);
});

it('is content with an append-only file, and with snapshots', async () => {
  expect(await warningsOf({ appendonly: 'yes' })).toEqual([]);
  await server?.stop();
  expect(await warningsOf({ save: '3600 1' })).toEqual([]);
});

it('warns of eviction', async () => {
  expect(await warningsOf({ appendonly: 'yes', 'maxmemory-policy': 'allkeys-lru' })).toEqual([
    expect.stringContaining('allkeys-lru'),
  ]);
});

it('says so when it may not look', async () => {
  expect(await warningsOf({}, ['-config'])).toEqual([expect.stringContaining('could not be checked')]);
});

it('examines what everything needs, and names the fix', async () => {
  server = await RedisServer.start({ 'maxmemory-policy': 'allkeys-lru', maxmemory: '100mb', maxclients: '12' });
  await server.client.call('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', '+@all', '-publish', 'resetchannels');
  const open = Array.from({ length: 10 }, () => new Redis(server?.port ?? 0, '127.0.0.1'));
  await Promise.all(open.map((client) => client.ping()));
  const foreign = open[0] as Redis;
  await foreign.client('SETNAME', `bull:${Buffer.from('mail').toString('base64')}`);
  await foreign.sadd('lovage:queues', 'mail');
  const connection = connect(server.url.replace('redis://', 'redis://limited:pw@'), { prefix: undefined });
  const { findings = [] } = await connection.check(5_000, true);
  await connection.close(1_000);
  for (const client of open) client.disconnect();
  const of = (check: string) => findings.filter((finding) => finding.check === check);
  expect(of('eviction')).toMatchObject([{ state: 'warning', fix: 'set maxmemory-policy noeviction' }]);
  expect(of('persistence')).toMatchObject([{ fix: 'set appendonly yes' }]);
  expect(of('memory')).toMatchObject([{ state: 'ok', message: expect.stringContaining('of 100 MiB') }]);
  expect(of('connections')).toMatchObject([{ state: 'problem', fix: expect.stringContaining('maxclients') }]);
  expect(of('permissions')).toMatchObject([{ state: 'problem', fix: expect.stringContaining('+publish') }]);
  expect(of('foreign')).toMatchObject([{ state: 'problem', message: expect.stringContaining('queue "mail"') }]);
});
