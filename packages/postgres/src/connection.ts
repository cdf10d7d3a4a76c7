import { NotSupportedError } from '@lovage/core/driver';
import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import type { PostgresTarget } from './postgres-url.ts';

export type { Client, Pool, PoolClient } from 'pg';

/** Milliseconds. */
export interface ClientTimes {
  readonly connectTimeout: number;
  /** A statement without a reply for so long has met a dead connection. */
  readonly socketTimeout: number;
}

async function loadPg(): Promise<typeof import('pg')> {
  try {
    return await import('pg');
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new NotSupportedError('postgres:// needs the package pg: npm install pg', { cause: error });
  }
}

function configOf(target: PostgresTarget, times: ClientTimes): ClientConfig {
  const { host, port, user, password, database, tls, applicationName } = target;
  return {
    host,
    port,
    user,
    password,
    database,
    ssl: tls,
    application_name: applicationName,
    connectionTimeoutMillis: times.connectTimeout,
    query_timeout: times.socketTimeout,
    keepAlive: true,
  };
}

/** The connections that work is done on. No socket is opened before the first use. */
export async function createPool(target: PostgresTarget, times: ClientTimes): Promise<Pool> {
  const { Pool } = await loadPg();
  const pool = new Pool({ ...configOf(target, times), max: target.max, idleTimeoutMillis: 30_000 });
  pool.on('error', () => {}); // an idle connection was lost: the next use opens another
  pool.on('connect', (client) => client.on('error', () => {})); // one in use: its statement rejects, too, and is told there
  return pool;
}

/** One connection of its own, to listen on. */
export async function createListeningClient(target: PostgresTarget, times: ClientTimes): Promise<Client> {
  const { Client } = await loadPg();
  const client = new Client(configOf(target, times));
  return client;
}

/** What statements can be run on. */
export type Sql = Pick<PoolClient, 'query'>;
