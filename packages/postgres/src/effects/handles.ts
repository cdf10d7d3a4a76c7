import { ConfigurationError } from '@lovage/core/driver';

/** A row, as a statement gives it back. */
export type Row = Readonly<Record<string, unknown>>;
/** Runs one statement; every value is text or null. */
export type RunStatement = (text: string, values: readonly (string | null)[]) => Promise<readonly Row[]>;

type Method = (...args: never[]) => unknown;

const known = 'pg, postgres.js, Drizzle, Kysely, Prisma or TypeORM';

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, (...args: unknown[]) => unknown> {
  return value !== null && value !== undefined && typeof (value as Record<string, Method>)[name] === 'function';
}

/** How statements are run in somebody's transaction. Throws {@link ConfigurationError} for what is none. */
export function statementsOf(tx: unknown, where: string): RunStatement {
  if (has(tx, '$queryRawUnsafe')) return async (text, values) => rowsOf(await tx.$queryRawUnsafe(text, ...values)); // Prisma
  if (has(tx, 'executeQuery')) return async (text, values) => rowsOf(await tx.executeQuery(compiled(text, values))); // Kysely
  if (has(tx, 'unsafe')) return async (text, values) => rowsOf(await tx.unsafe(text, [...values])); // postgres.js
  if (has(tx, 'execute')) return async (text, values) => rowsOf(await tx.execute(inlined(text, values))); // Drizzle
  if (has(tx, 'query')) return async (text, values) => rowsOf(await tx.query(text, [...values])); // pg, TypeORM
  throw new ConfigurationError(`${where}: expected a transaction of ${known}`);
}

/** Runs work in a transaction of its own. Throws {@link ConfigurationError} for what opens none. */
export function transact<T>(pool: unknown, where: string, work: (tx: unknown) => Promise<T>): Promise<T> {
  if (has(pool, 'begin')) return pool.begin(work) as Promise<T>; // postgres.js
  if (has(pool, '$transaction')) return pool.$transaction(work) as Promise<T>; // Prisma
  if (has(pool, 'executeQuery') && has(pool, 'transaction'))
    return (pool.transaction() as { execute(fn: unknown): Promise<T> }).execute(work); // Kysely
  if (has(pool, 'transaction')) return pool.transaction(work) as Promise<T>; // Drizzle, TypeORM
  if (has(pool, 'connect')) return onClient(pool as unknown as ClientPool, work);
  throw new ConfigurationError(`${where}: expected a pool or database of ${known}`);
}

interface ClientPool {
  connect(): Promise<Client>;
}

interface Client {
  query(text: string): Promise<unknown>;
  release(error?: unknown): void;
  on(event: 'error', listener: () => void): unknown;
  off(event: 'error', listener: () => void): unknown;
}

/** Of pg. */
async function onClient<T>(pool: ClientPool, work: (tx: unknown) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  if (!has(client, 'release') || !has(client, 'query'))
    throw new ConfigurationError('expected a Pool of pg: its connect() gives clients with release()');
  let broken: unknown;
  const ignore = (): void => {}; // the statement under way rejects; without a listener the process would end
  client.on('error', ignore);
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    try {
      const value = await work(client);
      await client.query('COMMIT');
      return value;
    } catch (error) {
      await client.query('ROLLBACK').catch((lost: unknown) => {
        broken = lost; // the connection is gone, and the transaction with it
      });
      throw error;
    }
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

function rowsOf(result: unknown): readonly Row[] {
  if (Array.isArray(result)) return result;
  const { rows } = (result ?? {}) as { readonly rows?: readonly Row[] };
  return rows ?? [];
}

/** A compiled query as Kysely makes it of raw SQL. */
function compiled(sql: string, parameters: readonly unknown[]): object {
  const query = { kind: 'RawNode', sqlFragments: [sql], parameters: [] };
  return { query, queryId: { queryId: 'lovage' }, sql, parameters };
}

/** The values as literals: Drizzle runs text without parameters. */
function inlined(text: string, values: readonly (string | null)[]): string {
  return text.replace(/\$(\d+)/g, (_, number) => literal(values[Number(number) - 1] ?? null));
}

/** Safe whatever `standard_conforming_strings` says: a backslash makes it an escape string, with each doubled. */
function literal(value: string | null): string {
  if (value === null) return 'NULL';
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return value.includes('\\') ? ` E${quoted}` : quoted;
}
