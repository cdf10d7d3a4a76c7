import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterEach, expect, it } from 'vitest';
import { connect as connectTo, consume, createMessage, required, success } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { connectStreams } from './streams-bench.ts';
import { TcpProxy } from './tcp-proxy.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function startServer(): Promise<RedisServer> {
  const server = await RedisServer.start({ appendonly: 'yes', appendfsync: 'always' });
  endings.push(() => server.stop());
  return server;
}

function connect(url: string, prefix: string): Connection {
  const connection = connectTo(url, { prefix });
  endings.push(() => connection.close(1_000));
  return connection;
}

it('loses nothing and stores every outcome once when Redis crashes and comes back during work', async () => {
  const server = await startServer();
  const prefix = newTaskId();
  const producer = connect(server.url, prefix);
  const worker = connect(server.url, prefix);
  const runs = new Map<string, number>();
  const rung = new Set<string>();
  const seen = await consume(
    worker,
    { slots: 20, leaseDuration: 5_000, orphanInterval: 1_000 },
    async ({ message }) => {
      runs.set(message.id, (runs.get(message.id) ?? 0) + 1);
      return success(message.id, 'done', 'inbox');
    },
  );
  await required(producer.results).watch('inbox', ({ id }) => rung.add(id));
  const messages = Array.from({ length: 600 }, () => createMessage());
  const publishing = (async () => {
    for (let start = 0; start < messages.length; start += 20) {
      await required(producer.broker).publish(messages.slice(start, start + 20), AbortSignal.timeout(20_000));
    }
  })();
  await seen.arrived(50);
  await server.kill();
  await server.launch();
  await publishing;
  const ids = messages.map((message) => message.id);
  await until(async () => (await required(producer.results).get(ids)).every((record) => record?.value === 'done'), {
    timeout: 40_000,
    what: 'every outcome',
  });
  expect(new Set(runs.keys())).toEqual(new Set(ids));
  const after = createMessage(); // the subscription is back too
  await required(producer.broker).publish([after]);
  await until(() => rung.has(after.id), { timeout: 10_000, what: 'a ring after the restart' });
}, 60_000);

it('goes on after every connection was cut', async () => {
  const server = await startServer();
  const proxy = await TcpProxy.start(server.port);
  endings.push(() => proxy.stop());
  const connection = connect(proxy.url, newTaskId());
  const seen = await consume(connection, { leaseDuration: 5_000, orphanInterval: 1_000 });
  const heard: unknown[] = [];
  await required(connection.bus).subscribe('control.*', (message) => heard.push(message));
  for (let round = 1; round <= 3; round += 1) {
    await required(connection.broker).publish([createMessage()]);
    await seen.arrived(round, 20_000);
    proxy.cut();
  }
  await until(
    async () => {
      await required(connection.bus)
        .publish('control.ping', 1)
        .catch(() => {}); // at most once: asked again
      return heard.length > 0;
    },
    { timeout: 20_000, what: 'the bus to hear again' },
  );
}, 60_000);

it.each([
  ['redis', (server: RedisServer, prefix: string) => connectTo(server.url, { prefix })],
  ['redis+streams', (server: RedisServer, prefix: string) => connectStreams(server, { prefix })],
] as const)(
  '%s: a paused queue is still paused when Redis has crashed and is back',
  async (_driver, open) => {
    const server = await startServer();
    const prefix = newTaskId();
    const connection = open(server, prefix);
    endings.push(() => connection.close(1_000));
    const queues = ['alpha', 'beta'];
    const seen = await consume(connection, { queues, leaseDuration: 5_000, orphanInterval: 1_000 });
    const monitor = required(connection.monitor);
    await monitor.setPaused?.('alpha', true);
    await server.kill();
    await server.launch();
    const held = createMessage();
    const signal = AbortSignal.timeout(20_000);
    await required(connection.broker).publish([held], signal);
    for (let count = 1; count <= 20; count += 1) {
      await required(connection.broker).publish([createMessage({ queue: 'beta' })], signal);
      await seen.arrived(count, 20_000); // it had every chance to take the other
    }
    expect(seen.deliveries.every(({ queue }) => queue === 'beta')).toBe(true);
    expect(await monitor.counts(queues)).toMatchObject([{ waiting: 1, paused: true }, { waiting: 0 }]);
    await monitor.setPaused?.('alpha', false);
    await seen.arrived(21, 20_000);
    expect(seen.deliveries.at(-1)?.message.id).toBe(held.id);
  },
  60_000,
);
