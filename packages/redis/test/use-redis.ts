import { afterAll, afterEach, beforeAll } from 'vitest';
import { RedisServer } from './redis-server.ts';

/** One server for the tests of a file, and what each test leaves to be ended after it. */
export interface UsedRedis {
  /** There from the first test on. */
  readonly server: RedisServer;
  /** Ended after each test, the last one first. */
  readonly endings: (() => unknown)[];
}

/** Starts a server before the tests of this file, and stops it after them. */
export function useRedis(): UsedRedis {
  let server: RedisServer | undefined;
  const endings: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  afterAll(() => server?.stop());
  return {
    endings,
    get server(): RedisServer {
      if (!server) throw new Error('the server is there from the first test on');
      return server;
    },
  };
}
