import { EventEmitter } from 'node:events';
import { systemClock } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import type { RedisClient } from '../../connection.ts';
import type { ReadContext } from '../consumer-context.ts';
import { BlockingRead } from './blocking-read.ts';

/** As ioredis's client between the end of its socket and the `close` event, which is when it learns of it. */
class DyingClient extends EventEmitter {
  readonly status = 'ready';
  readonly client = async (): Promise<number> => 1;
  readonly xreadgroup = (): Promise<never> => this.#refuse();
  readonly exists = (): Promise<never> => this.#refuse();

  #refuse(): Promise<never> {
    return Promise.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
  }
}

it('leaves the event loop its turns while its connection dies', async () => {
  const client = new DyingClient() as unknown as RedisClient;
  const context = {
    clients: { reader: async () => client, longestRead: 5_000 },
    clock: systemClock,
    name: 'tester',
    request: { worker: 'tester' },
  };
  const blocking = await BlockingRead.open(context as unknown as ReadContext);
  let closed = false;
  setImmediate(() => {
    closed = true;
  });
  for (let reads = 0; !closed && reads < 1_000; reads += 1) {
    expect(await blocking.read(['stream'], ['mark'], 1)).toBeUndefined();
  }
  expect(closed).toBe(true);
});
