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
