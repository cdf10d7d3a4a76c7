import { afterAll, afterEach, beforeAll } from 'vitest';
import { PostgresServer, type PostgresSettings } from './postgres-server.ts';

/** One server for the tests of a file, and what each test leaves to be ended after it. */
export interface UsedPostgres {
  /** There from the first test on. */
  readonly server: PostgresServer;
  /** Ended after each test, the last one first. */
  readonly endings: (() => unknown)[];
}

/** Starts a server before the tests of this file, and stops it after them. */
export function usePostgres(settings: PostgresSettings = {}): UsedPostgres {
  let server: PostgresServer | undefined;
  const endings: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start(settings);
  }, 120_000);
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  }, 60_000);
  afterAll(() => server?.stop(), 60_000);
  return {
    endings,
    get server(): PostgresServer {
      if (!server) throw new Error('the server is there from the first test on');
      return server;
    },
  };
}
