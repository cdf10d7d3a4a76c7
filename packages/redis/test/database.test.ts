import { type Connection, newTaskId } from '@lovage/core/driver';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connect, consume, createMessage, required } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { connectStreams } from './streams-bench.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start({ databases: '4' });
});
afterAll(() => server.stop());

type Connect = (url: string, prefix: string) => Connection;

const drivers: readonly [string, Connect][] = [
  ['redis', (url, prefix) => connect(url, { prefix })],
  ['redis+streams', (url, prefix) => connectStreams({ url } as RedisServer, { prefix })],
];

describe.each(drivers)('%s: a database that Redis does not have', (_driver, connectTo) => {
  function open(database: number, prefix: string): Connection {
    const connection = connectTo(server.url.replace(/0$/, String(database)), prefix);
    onTestFinished(() => connection.close(1_000));
    return connection;
  }
  const error = { name: 'BrokerUrlError', message: expect.stringMatching(/\/9 has no database of that number/) };

  it('is an error at the first use, and what is in database 0 is left alone', async () => {
    const prefix = `t${newTaskId()}`;
    const first = open(0, prefix);
    await required(first.broker).publish([createMessage()]);
    const wrong = open(9, prefix);
    await expect(required(wrong.broker).publish([createMessage()])).rejects.toMatchObject(error);
    await expect(required(wrong.monitor).purge('alpha')).rejects.toMatchObject(error);
    await expect(required(wrong.results).get(['id'])).rejects.toMatchObject(error);
    await expect(required(wrong.bus).subscribe('topic', () => {})).rejects.toMatchObject(error);
    await expect(wrong.check(1_000)).rejects.toMatchObject(error);

    expect(await required(first.monitor).counts(['alpha'])).toMatchObject([{ waiting: 1 }]);
  });

  it('gives a worker nothing of database 0', async () => {
    const prefix = `t${newTaskId()}`;
    const first = open(0, prefix);
    const seen = await consume(open(9, prefix)).catch(() => undefined);
    const message = createMessage();
    await required(first.broker).publish([message]);
    const right = await consume(first);
    await right.arrived(1);
    expect(seen?.deliveries ?? []).toEqual([]);
  });

  it('names a refused password to a subscriber too', async () => {
    const url = server.url.replace('redis://', 'redis://nobody:wrong@');
    const connection = connectTo(url, `t${newTaskId()}`);
    onTestFinished(() => connection.close(1_000));
    await expect(required(connection.bus).subscribe('topic', () => {})).rejects.toMatchObject({
      name: 'BrokerAuthenticationError',
    });
  });

  it('is used when it is there', async () => {
    const prefix = `t${newTaskId()}`;
    await required(open(3, prefix).broker).publish([createMessage()]);
    expect(await required(open(3, prefix).monitor).counts(['alpha'])).toMatchObject([{ waiting: 1 }]);
    expect(await required(open(0, prefix).monitor).counts(['alpha'])).toMatchObject([{ waiting: 0 }]);
  });
});
