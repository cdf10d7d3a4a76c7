// What `lovage acl` prints, on a real Redis: each role does its work and nothing else.
import { main } from '@lovage/cli';
import { setOverrides } from '@lovage/core/worker';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisCluster } from '../../redis/test/redis-cluster.ts';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { Schedules, startBeat } from '../src/beat.ts';
import { Lovage } from '../src/index.ts';
import { type AccessRole, accessOf } from '../src/inspect.ts';
import { until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';
import { createShop, produce, type Shop, silent } from './shop.ts';

const roles: readonly AccessRole[] = ['producer', 'worker', 'beat', 'monitor', 'operator'];
const queues = ['mail', 'slow', 'news', 'news@*'];
const schemes = ['redis', 'redis+streams'];

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

/** What redis-cli makes of a statement. */
function wordsOf(statement: string): string[] {
  return (statement.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((word) =>
    word.startsWith('"') ? (JSON.parse(word) as string) : word,
  );
}

/** A Redis, or all nodes of a cluster. */
interface Server {
  call(...words: [command: string, ...args: string[]]): Promise<unknown>;
}

interface Place {
  readonly url: string;
  readonly prefix?: string;
}

/** Makes the user of a role and answers with the URL of its connections. */
async function userOf(role: AccessRole, { url, prefix }: Place, client: Server, only = queues): Promise<string> {
  const app = new Lovage('acl', { broker: url, ...(prefix ? { prefix } : {}), logger: silent });
  const user = `${role}-${Math.random().toString(36).slice(2)}`;
  const { statements } = await accessOf(app, { role, queues: only, user });
  await app.close();
  for (const statement of statements) {
    const [command = '', ...args] = wordsOf(statement.replace('<password>', 'secret'));
    await client.call(command, ...args);
  }
  return url.replace('://', `://${user}:secret@`);
}

const output = { stdout: '', stderr: '' };

/** A command of the CLI, in this process. */
async function lovage(place: Place, ...args: readonly string[]): Promise<string> {
  output.stdout = '';
  output.stderr = '';
  const before = process.exitCode;
  process.exitCode = 0;
  await main([...args, '--broker', place.url, ...(place.prefix ? ['--prefix', place.prefix] : [])]);
  const code = process.exitCode;
  process.exitCode = before;
  setOverrides({ flags: {}, file: {} });
  // 1: there was nothing to do; 2 would be a mistake in the command line, 69 what the store refused
  if (![0, 1].includes(Number(code)) || /ACL|NOPERM/.test(output.stderr))
    expect.fail(`lovage ${args.join(' ')}: ${code}: ${output.stderr}`);
  return output.stdout;
}

/** One worker answers within milliseconds; a command waits for as many as there may be. */
function quick(command: string): readonly string[] {
  return /^(inspect|control) (?!lift)/.test(command) ? ['-t', '50ms'] : [];
}

function muteOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const spy = vi.spyOn(process[name], 'write').mockImplementation((text) => {
      output[name] += String(text);
      return true;
    });
    onTestFinished(() => spy.mockRestore());
  }
}

/** What the server refused since the last call, without what Lovage only asks where it may. */
async function refusals(client: Server): Promise<readonly string[]> {
  const log = (await client.call('ACL', 'LOG', '100')) as string[][];
  await client.call('ACL', 'LOG', 'RESET');
  return log
    .map((row) => Object.fromEntries(row.flatMap((word, i) => (i % 2 === 0 ? [[word, row[i + 1]]] : []))))
    .map((row) => `${row['username']?.split('-')[0]} ${row['reason']} ${row['context']}: ${row['object']}`);
}

/** Looked for where it is allowed, and nowhere needed: what Redis keeps on disk, its clients, and cutting off a dead connection. */
const optional = /command (toplevel|multi): (config\|get|client\|list|client\|kill)$/;

async function worksUnderRoles(
  scheme: string,
  prefix: string | undefined,
  client: Server,
  host: string,
): Promise<void> {
  muteOutput();
  const place = { url: `${scheme}://${host}`, ...(prefix ? { prefix } : {}) };
  const users = await Promise.all(roles.map((role) => userOf(role, place, client, role === 'operator' ? [] : queues)));
  const urls = Object.fromEntries(roles.map((role, index) => [role, users[index]])) as Record<AccessRole, string>;
  await refusals(client);
  const shop = (role: AccessRole): Shop => createShop(urls[role], prefix ? { prefix } : {});
  const worker = await startWorker(shop('worker').app, { name: 'w1', concurrency: 8, events: true });
  const events: unknown[] = [];
  const watching = shop('monitor');
  await watching.app.events.on('*', (event) => void events.push(event));
  const producer = shop('producer');
  await produce(producer);
  const ticking = shop('beat').app;
  const beat = await startBeat(ticking);
  await until(() => beat.health().fired > 0, { what: 'a slot of the schedule' });
  await until(() => events.length > 0, { what: 'an event' });

  const look = { ...place, url: urls.monitor };
  const rows = await lovage(look, 'failures', 'list', '--json');
  const failed = /"id": ?"([^"]+)"/.exec(rows)?.[1] ?? '';
  const looks = [
    ...['status', 'queues', 'queues peek mail', 'dlq list', 'failures list', 'failures group'],
    ...[
      'topics list',
      'workflow list',
      'gate list',
      'ordering list',
      'inspect ping',
      'inspect stats',
      'inspect active',
    ],
    ...['inspect conf', 'inspect registered', 'inspect reserved', 'inspect scheduled', 'inspect revoked'],
    ...[`result ${failed}`, `failures show ${failed}`, `graph ${failed}`, 'capacity mail --over 100ms'],
  ];
  for (const command of looks) await lovage(look, ...command.split(' '), ...quick(command));
  expect(await lovage(look, 'inspect', 'ping', '-t', '300ms')).toContain('w1');

  const plans = new Schedules(watching.app);
  expect(await plans.list()).toMatchObject([{ name: 'tick' }]);

  const act = { ...place, url: urls.operator };
  const held = await producer.hold.delay();
  await until(() => worker.report().running.length > 0, { what: 'the task to run' });
  const acts = [
    ...['queues pause mail', 'queues resume mail', 'control rate-limit rated 10/s', 'control time-limit add --hard 5s'],
    ...['control pool-grow', 'control pool-shrink', 'control autoscale 9 2', 'control add-consumer slow'],
    ...['control enable-events', 'control disable-events', `control terminate ${held.id}`, 'control revoke none-such'],
    ...['control revoke --stamp customer=42', 'control lift --stamp customer=42', 'inspect revoked', 'inspect ping'],
    ...['workflow check --open', 'dlq replay --force', 'dlq purge --force', `failures retry ${failed}`],
    ...['failures discard --force', 'purge slow --force', 'topics publish order.created {}', 'doctor'],
    ...['topics remove billing', 'call add 1 1 --queue mail', 'control cancel-consumer slow', 'control shutdown'],
  ];
  for (const command of acts) await lovage(act, ...command.split(' '), ...quick(command));
  const changed = new Schedules(shop('operator').app);
  await changed.pause('tick');
  await changed.resume('tick');
  await changed.run('tick');
  await beat.close();
  const found = await refusals(client);
  expect(found.filter((line) => !optional.test(line))).toEqual([]);
}

const long = process.env['LOVAGE_LONG'] === '1';
const everyCase = [
  ['redis', undefined],
  ['redis+streams', 'shop'],
  ['redis', 'shop'],
  ['redis+streams', undefined],
] as const;

describe('the users that lovage acl makes', () => {
  it.each(long ? everyCase : everyCase.slice(0, 2))(
    'do all work of their roles: %s, prefix %s',
    { timeout: 60_000 },
    async (scheme, prefix) => {
      await worksUnderRoles(scheme, prefix, server.client, `127.0.0.1:${server.port}/0`);
    },
  );

  it.runIf(long).each(schemes)('do all work of their roles: %s on a cluster', { timeout: 90_000 }, async (scheme) => {
    const cluster = await RedisCluster.start(0);
    onTestFinished(() => cluster.stop());
    const nodes = cluster.client.nodes('master');
    const everywhere: Server = {
      call: async (...words) => (await Promise.all(nodes.map((node) => node.call(...words)))).flat(),
    };
    await worksUnderRoles(`${scheme}+cluster`, undefined, everywhere, cluster.url('').slice(3));
  });

  it.each(schemes)('may do nothing else: %s', async (scheme) => {
    const own = await RedisServer.start();
    onTestFinished(() => own.stop());
    const place = { url: `${scheme}://127.0.0.1:${own.port}/0` };
    const foreign = scheme === 'redis' ? 'bull:other:wait' : 'lovage:stream:other:p0';
    const write = `return redis.call('SET', '${foreign}-x', '1')`;
    const probes: readonly (readonly [AccessRole, ...string[]])[] = [
      ['producer', 'FLUSHALL'],
      ['producer', 'KEYS', '*'],
      ['worker', 'CONFIG', 'GET', 'requirepass'],
      ['worker', 'CONFIG', 'SET', 'maxmemory', '0'],
      ['operator', 'SCRIPT', 'FLUSH'],
      ['producer', 'CLIENT', 'KILL', 'TYPE', 'replica'],
      ['worker', 'DUMP', 'lovage:queues'],
      ['operator', 'REPLICAOF', 'NO', 'ONE'],
      ['producer', 'SET', `${foreign}-x`, '1'],
      ['producer', 'EVAL', write, '0'],
      ['worker', 'EVAL', "return redis.call('FLUSHALL')", '0'],
      ['producer', 'BZPOPMIN', scheme === 'redis' ? 'bull:mail:marker' : 'lovage:stream:mail:due', '0.01'],
      ['producer', 'HSET', 'lovage:schedules', 'tick', '{}'],
      ['producer', 'PUBLISH', 'lovage:bus:control', '{}'],
      ['worker', 'PUBLISH', 'lovage:bus:control-change', '{}'],
      ['worker', 'SET', 'lovage:another-app:result:x', '{}'],
      ['monitor', 'PUBLISH', 'lovage:bus:control-change', '{}'],
      ['monitor', 'SET', 'lovage:result:x', '{}'],
      ['monitor', 'EVAL', "return redis.call('SET', KEYS[1], '1')", '1', 'lovage:result:x'],
      ['monitor', 'SUBSCRIBE', 'lovage:bus:control'],
    ];
    const denied = /NOPERM|The user executing the script can't/;
    for (const [role, ...words] of probes) {
      const user = new Redis((await userOf(role, place, own.client)).replace('+streams', ''));
      const free = own.client.duplicate();
      onTestFinished(() => {
        user.disconnect();
        free.disconnect();
      });
      const said = await user.call(...(words as [string])).then(String, (error: Error) => error.message);
      expect([role, ...words, said]).toEqual([role, ...words, expect.stringMatching(denied)]);
      // the control: what was asked for is there, and is refused to nobody else
      expect(await free.call(...(words as [string])).then(() => 'done', String)).toBe('done');
    }
    expect(probes.length).toBeGreaterThanOrEqual(15);
  });

  it.each(schemes)('a call to a queue that is not granted says so: %s', async (scheme) => {
    const place = { url: `${scheme}://127.0.0.1:${server.port}/0` };
    const broker = await userOf('producer', place, server.client, ['mail']);
    const app = new Lovage('shop', { broker, logger: silent });
    onTestFinished(() => app.close());
    const task = app.task({ name: 'pay', queue: 'money' }, () => 1);
    const error = (await task.delay().catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({ name: 'BrokerAuthenticationError', code: 'BROKER_AUTHENTICATION' });
    expect(error.message).toMatch(/does not let this user do that \(ACL\): /);
    await task.applyAsync([], { queue: 'mail' });
  });
});
