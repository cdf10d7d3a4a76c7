// What `lovage acl` prints, on a real Redis: each role does its work and nothing else.
import { main } from '@lovage/cli';
import { setOverrides } from '@lovage/core/worker';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RedisCluster } from '../../redis/test/redis-cluster.ts';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { Schedules, startBeat } from '../src/beat.ts';
import { chain, chord, every, gate, group, Lovage, Reject } from '../src/index.ts';
import { type AccessRole, accessOf } from '../src/inspect.ts';
import { until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';

const roles: readonly AccessRole[] = ['producer', 'worker', 'beat', 'monitor', 'operator'];
const queues = ['mail', 'slow', 'news', 'news@*'];
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
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

/** An app with every kind of task, on the connections of one role. */
function createShop(broker: string, { prefix }: Place) {
  setOverrides({ flags: {}, file: {} });
  const app = new Lovage('shop', {
    broker,
    ...(prefix ? { prefix } : {}),
    logger: silent,
    conf: { taskDefaultQueue: 'mail', broadcastQueues: ['news'] },
    worker: { queues: ['mail', 'slow', 'news'], stalledInterval: '500ms', drain: 0 },
    history: 'all',
  });
  onTestFinished(() => app.close());
  let broken = 1;
  const add = app.task('add', (a: number, b: number) => a + b);
  const tasks = {
    add,
    sum: app.task('sum', (list: number[]) => list.reduce((total, n) => total + n, 0)),
    flaky: app.task({ name: 'flaky', autoretryFor: [Error], retryBackoff: '10ms' }, () => {
      if (broken-- > 0) throw new Error('once');
      return 'well';
    }),
    fails: app.task({ name: 'fails', maxRetries: 0 }, () => {
      throw new Error('no');
    }),
    rejected: app.task('rejected', () => {
      throw new Reject('not this one');
    }),
    quiet: app.task({ name: 'quiet', ignoreResult: true, trackStarted: true }, () => 1),
    once: app.task({ name: 'once', unique: true }, (n: number) => n),
    ordered: app.task({ name: 'ordered', orderingKey: () => 'k' }, (n: number) => n),
    limited: app.task({ name: 'limited', concurrency: { key: () => 'c', limit: 1 } }, (n: number) => n),
    rated: app.task({ name: 'rated', rateLimit: '50/s' }, (n: number) => n),
    steps: app.task({ name: 'steps', bind: true }, async (self) => {
      await self.progress({ half: true });
      const lock = await app.lock('till');
      await lock.release();
      return add.call([1, 1], { timeout: '10s' });
    }),
    many: app.batchTask({ name: 'many', size: 10, wait: '10ms' }, (items) => items.map(() => 1)),
    hold: app.task(
      { name: 'hold', bind: true, queue: 'slow' },
      (self) =>
        new Promise<void>((_, reject) => {
          self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true });
        }),
    ),
    subscriber: app.task('subscriber', (payload: unknown) => payload),
    order: app.workflow({ name: 'order', parkAfter: 20 }, async (w, n: number) => {
      const charged = await w.step('charge', () => n * 2);
      await w.sleep('30ms');
      return [charged, await w.event('approved'), await w.call(add, [n, 1])];
    }),
  };
  app.subscription('billing', 'order.created', tasks.subscriber);
  app.schedule('tick', every('200ms'), tasks.add.s(1, 1));
  return { app, ...tasks };
}

type Shop = ReturnType<typeof createShop>;

/** Everything that a web process does. */
async function produce(shop: Shop): Promise<void> {
  const { app, add, sum } = shop;
  const soon = { timeout: '60s' } as const;
  const heard: unknown[] = [];
  const listening = await app.subscribe('*', (payload) => heard.push(payload));
  expect(await add.call([2, 3], soon)).toBe(5);
  const bulk = await add.delayMany(Array.from({ length: 50 }, (_, n) => [n, n] as [number, number]));
  expect(await bulk[49]?.get(soon)).toBe(98);
  expect(await (await add.applyAsync([1, 1], { countdown: '50ms' })).get(soon)).toBe(2);
  expect(await (await add.applyAsync([1, 1], { taskId: `own-${Math.random()}` })).get(soon)).toBe(2);
  expect(await shop.flaky.call([], soon)).toBe('well');
  await expect(shop.fails.call([], soon)).rejects.toThrow('no');
  await expect(shop.rejected.call([], soon)).rejects.toThrow();
  await shop.quiet.delay();
  for (const task of [shop.once, shop.ordered, shop.limited, shop.rated]) expect(await task.call([7], soon)).toBe(7);
  expect(await shop.steps.call([], soon)).toBe(2);
  await shop.many.delayMany([[], []] as [][]);
  expect(await chain(add.s(4, 4), add.s(8)).call([], soon)).toBe(16);
  expect(await chord([add.s(2, 2), add.s(4, 4)], sum.s()).call([], soon)).toBe(12);
  expect(await (await group([add.s(1, 1), add.s(2, 2)]).delay()).get(soon)).toEqual([2, 4]);
  const waiting = await chain(add.s(1, 1), gate<number>('approval'), add.s(1)).delay();
  await until(async () => (await app.gates.list({ rootId: waiting.id })).length === 1, { what: 'the gate' });
  const [open] = await app.gates.list({ rootId: waiting.id });
  await app.resolveGate(open?.id ?? '', 4);
  expect(await waiting.get(soon)).toBe(5);
  const run = await shop.order.start(4);
  await run.send('approved', true);
  expect(await run.get(soon)).toEqual([8, true, 5]);
  const broadcast = await app.broadcast(add, [1, 2], { queue: 'news' });
  expect(Object.values(await broadcast.replies(soon))).toEqual([{ value: 3 }]);
  expect((await app.publish('order.created', { id: 1 })).groups).toEqual(['billing']);
  await until(() => heard.length > 0, { what: 'the message of the topic' });
  await listening.close();
  const late = await add.applyAsync([1, 1], { countdown: '1h' });
  await late.revoke();
  await expect(late.get(soon)).rejects.toThrow('revoked');
  const read = await add.delay(1, 1);
  await read.get(soon);
  await read.forget();
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
  const shop = (role: AccessRole): Shop => createShop(urls[role], place);
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
