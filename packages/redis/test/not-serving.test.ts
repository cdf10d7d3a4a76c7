import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, type Message, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, consume, createMessage, emptied, required, success } from './bench.ts';
import { freePort, RedisServer, type RedisSettings } from './redis-server.ts';
import { connectStreams } from './streams-bench.ts';

type Connect = (server: RedisServer, prefix: string, publishTimeout?: number) => Connection;

const drivers: readonly [string, Connect][] = [
  ['redis', ({ url }, prefix, publishTimeout = 15_000) => connect(url, { prefix, publishTimeout })],
  ['redis+streams', (server, prefix, publishTimeout = 15_000) => connectStreams(server, { prefix, publishTimeout })],
];

/** Longer than a fixed number of six tries at doubling pauses from 100 ms on. */
const outage = 7_500;

async function start(settings?: RedisSettings): Promise<RedisServer> {
  const server = await RedisServer.start(settings);
  onTestFinished(() => server.stop());
  return server;
}

function open(connectTo: Connect, server: RedisServer, publishTimeout?: number): Connection {
  const connection = connectTo(server, `t${newTaskId()}`, publishTimeout);
  onTestFinished(() => connection.close(1_000));
  return connection;
}

/** Each way in which a Redis is there and does not serve, as a state that begins and ends. */
interface State {
  begin(server: RedisServer): Promise<unknown>;
  end(server: RedisServer): Promise<unknown>;
}

const noReplicas: State = {
  begin: ({ client }) => client.config('SET', 'min-replicas-to-write', '1'),
  end: ({ client }) => client.config('SET', 'min-replicas-to-write', '0'),
};

const failedSave: State = {
  async begin({ client }) {
    await client.config('SET', 'save', '3600 1');
    const [, directory] = (await client.config('GET', 'dir')) as [string, string];
    await rm(directory, { recursive: true });
    await client.bgsave();
    await until(async () => /rdb_last_bgsave_status:err/.test(await client.info('persistence')), {
      what: 'a save that failed',
    });
  },
  end: ({ client }) => client.config('SET', 'save', ''),
};

const longScript: State = {
  async begin(server) {
    await server.client.config('SET', 'busy-reply-threshold', '20');
    const busy = server.client.duplicate();
    onTestFinished(() => busy.disconnect());
    busy.eval('while true do end', 0).catch(() => {}); // killed
    await until(async () => (await server.client.ping().catch((error: Error) => error.message)).startsWith('BUSY'), {
      what: 'a script that runs for long',
    });
  },
  end: ({ client }) => client.script('KILL'),
};

const states: readonly [string, string, State][] = [
  ['BUSY', 'a long script', longScript],
  ['MISCONF', 'a save that failed', failedSave],
  ['NOREPLICAS', 'too few replicas', noReplicas],
];

describe.each(drivers)('%s', (_driver, connectTo) => {
  it.each(states)('%s (%s): a publish waits for the end of it, or fails by name', async (code, _what, state) => {
    const server = await start();
    const [hasLongWait, hasty] = [open(connectTo, server), open(connectTo, server, 1_500)];
    for (const { broker } of [hasLongWait, hasty]) await required(broker).publish([createMessage({ queue: 'warm' })]);
    const message = createMessage();
    await state.begin(server);
    const publishing = required(hasLongWait.broker).publish([message]);
    await expect(required(hasty.broker).publish([createMessage()])).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
      message: expect.stringMatching(`within 1500 ms: ${code} `),
    });
    await state.end(server);
    await publishing;
    const seen = await consume(hasLongWait);
    await seen.arrived(1);
    expect(seen.deliveries[0]?.message).toEqual(message); // not marked as one that may have been run: nothing was carried out
  });

  it.concurrent(`settles what ran while Redis did not serve for ${outage} ms, once`, async () => {
    const server = await RedisServer.start();
    const connection = connectTo(server, `t${newTaskId()}`);
    try {
      const messages: Message[] = Array.from({ length: 4 }, () => createMessage());
      await required(connection.broker).publish(messages);
      let finish: () => void = () => {};
      const running = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const lease = { leaseDuration: 30_000, orphanInterval: 500 };
      const seen = await consume(connection, lease, async ({ message }) => {
        await running;
        return message === seen.deliveries[0]?.message
          ? { kind: 'retryAt', at: 0, message: { ...message, retries: message.retries + 1 } }
          : success(message.id, 'done');
      });
      await seen.arrived(4);
      await noReplicas.begin(server);
      finish();
      await until(() => seen.errors.some(({ message }) => message.includes('NOREPLICAS')), { what: 'a refusal' });
      await sleep(outage); // the outage itself
      await noReplicas.end(server);
      await seen.arrived(5); // the retry
      await emptied(connection);
      const runs = seen.deliveries.map(
        ({ message, deliveryCount }) => `${message.id} ${message.retries} ${deliveryCount}`,
      );
      const first = seen.deliveries[0]?.message.id;
      expect(runs.sort()).toEqual([...messages.map(({ id }) => `${id} 0 1`), `${first} 1 1`].sort());
    } finally {
      await connection.close(1_000);
      await server.stop();
    }
  }, 40_000);

  it('MASTERDOWN: a replica whose master is away fails a publish by name, and is served when it is a master', async () => {
    const settings = { replicaof: `127.0.0.1 ${await freePort()}`, 'replica-serve-stale-data': 'no' };
    const server = await start(settings);
    await expect(required(open(connectTo, server, 300).broker).publish([createMessage()])).rejects.toMatchObject({
      name: 'BrokerUnavailableError',
    });
    const connection = open(connectTo, server);
    const publishing = required(connection.broker).publish([createMessage()]);
    await server.client.call('REPLICAOF', 'NO', 'ONE');
    await publishing;
  });
});
