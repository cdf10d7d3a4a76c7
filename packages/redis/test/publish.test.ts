import {
  BrokerAuthenticationError,
  BrokerMemoryError,
  BrokerUnavailableError,
  type Connection,
} from '@lovage/core/driver';
import { until, within } from '@lovage/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect as connectTo, consume, createMessage, emptied, required } from './bench.ts';
import { freePort, RedisServer, type RedisSettings } from './redis-server.ts';
import { TcpProxy } from './tcp-proxy.ts';

let server: RedisServer;
let proxy: TcpProxy;
const open: Connection[] = [];
const servers: RedisServer[] = [];
beforeAll(async () => {
  server = await RedisServer.start();
  proxy = await TcpProxy.start(server.port);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close(1_000)));
  await Promise.all(servers.splice(0).map((one) => one.stop()));
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

/** A server of one test. */
async function start(settings?: RedisSettings): Promise<RedisServer> {
  const one = await RedisServer.start(settings);
  servers.push(one);
  return one;
}

function connect(...args: Parameters<typeof connectTo>): Connection {
  const connection = connectTo(...args);
  open.push(connection);
  return connection;
}

describe('a reply that is lost', () => {
  it('is made up for by a second publish, and the waiting task runs once', async () => {
    const connection = connect(proxy.url);
    const broker = required(connection.broker);
    await broker.publish([createMessage({ queue: 'warm' })]);
    const message = createMessage();
    const lost = proxy.dropReplyTo(message.id);
    await Promise.all([broker.publish([message]), lost]);
    const seen = await consume(connection);
    await seen.arrived(1);
    await emptied(connection);
    expect(seen.deliveries.map((delivery) => delivery.message)).toEqual([message]); // BullMQ kept the first
  });

  it('marks the message when the first one is run and gone by then', async () => {
    const connection = connect(proxy.url);
    const direct = connect(server.url, { prefix: 'gone' });
    const publisher = connect(proxy.url, { prefix: 'gone' });
    await required(publisher.broker).publish([createMessage({ queue: 'warm' })]);
    const seen = await consume(direct);
    const message = createMessage();
    const lost = proxy.dropReplyTo(message.id).then(() => seen.arrived(1));
    await Promise.all([required(publisher.broker).publish([message]), lost]);
    await until(() => seen.deliveries.length === 2, { what: 'the repeated message' });
    expect(seen.deliveries[1]?.message).toEqual({ ...message, mayRepeat: true });
    expect(connection.display).toBe(proxy.url);
  });
});

describe('a Redis that was never there', () => {
  it('rejects a publish when its signal aborts, and closes', async () => {
    const connection = connect(`redis://127.0.0.1:${await freePort()}`);
    const message = createMessage();
    const began = performance.now();
    const publishing = required(connection.broker).publish([message], AbortSignal.timeout(300));
    await expect(publishing).rejects.toThrow(BrokerUnavailableError);
    await expect(publishing).rejects.toMatchObject({
      taskId: message.id,
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(performance.now() - began).toBeLessThan(2_000);
    await within(connection.close(500), { timeout: 1_500 });
  });

  it('rejects a publish without a signal after the publish timeout', async () => {
    const connection = connect(`redis://127.0.0.1:${await freePort()}`, { publishTimeout: 200 });
    await expect(within(required(connection.broker).publish([createMessage()]))).rejects.toThrow(
      BrokerUnavailableError,
    );
  });

  it('rejects a check at its timeout', async () => {
    const connection = connect(`redis://127.0.0.1:${await freePort()}`);
    await expect(within(connection.check(200), { timeout: 2_000 })).rejects.toThrow(BrokerUnavailableError);
  });

  it('lets a consumer start and close', async () => {
    const connection = connect(`redis://127.0.0.1:${await freePort()}`);
    const seen = await within(consume(connection));
    expect(await within(seen.consumer.close(300), { timeout: 2_000 })).toEqual({ released: 0, abandoned: 0 });
    await within(connection.close(500), { timeout: 1_500 });
  });

  it('is waited for: a publish succeeds when it comes up in time, unmarked, as it was never sent before', async () => {
    const late = await start();
    await late.kill();
    const connection = connect(late.url);
    const message = createMessage();
    const publishing = required(connection.broker).publish([message], AbortSignal.timeout(15_000));
    await late.launch();
    await within(publishing, { timeout: 15_000 });
    const seen = await consume(connection);
    await seen.arrived(1);
    expect(seen.deliveries[0]?.message).toEqual(message);
  });
});

describe('a Redis behind a dead network', () => {
  it('rejects a publish when its signal aborts, ends check and close by their deadlines', async () => {
    const dead = await TcpProxy.start(server.port);
    const connection = connect(dead.url);
    await required(connection.broker).publish([createMessage()]);
    const seen = await consume(connection);
    await seen.arrived(1);
    dead.blackHole();
    await expect(required(connection.broker).publish([createMessage()], AbortSignal.timeout(200))).rejects.toThrow(
      BrokerUnavailableError,
    );
    await expect(connection.check(200)).rejects.toThrow(BrokerUnavailableError);
    const began = performance.now();
    await seen.consumer.close(400);
    await connection.close(400);
    expect(performance.now() - began).toBeLessThan(2_000);
    await dead.stop();
  });
});

describe('a Redis with a password', () => {
  it('refuses a wrong one at once, without showing it', async () => {
    const locked = await start({ requirepass: 'right' });
    const url = locked.url.replace('right', 'wrong');
    const began = performance.now();
    for (const bad of [url, url.replace(':wrong@', '')]) {
      const connection = connect(bad);
      const publishing = required(connection.broker).publish([createMessage()]);
      await expect(publishing).rejects.toThrow(BrokerAuthenticationError);
      await expect(publishing).rejects.not.toThrow(/wrong@/);
      await expect(connection.check(4_000)).rejects.toThrow(BrokerAuthenticationError);
    }
    expect(performance.now() - began).toBeLessThan(3_000);
    await connect(locked.url).check(4_000);
  });
});

describe('a full Redis', () => {
  it('refuses with BrokerMemoryError, still takes results, drains and heals', async () => {
    const small = await start({ maxmemory: '4mb' });
    const connection = connect(small.url);
    const broker = required(connection.broker);
    const ids: string[] = [];
    const fill = async (): Promise<void> => {
      for (;;) {
        const message = createMessage({ args: ['x'.repeat(50_000)] });
        await broker.publish([message]);
        ids.push(message.id);
      }
    };
    await expect(fill()).rejects.toThrow(BrokerMemoryError);
    const batch = [1, 2].map(() => createMessage({ args: ['x'.repeat(50_000)] }));
    await expect(broker.publish(batch)).rejects.toThrow(BrokerMemoryError); // not PublishError: nothing was accepted
    const seen = await consume(connection, {}, async ({ message }) => ({
      kind: 'ack',
      outcome: {
        record: { id: message.id, task: message.task, state: 'SUCCESS', value: 'kept', attempts: 1, at: 1 },
        ttl: 60_000,
      },
    }));
    await emptied(connection);
    expect(seen.deliveries).toHaveLength(ids.length);
    const records = await required(connection.results).get(ids);
    expect(records.map((record) => record?.value)).toEqual(ids.map(() => 'kept'));
    await broker.publish([createMessage()]);
  });
});
