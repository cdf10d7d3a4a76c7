import { type Clock, ClosedError, ResultBackendUnavailableError, sleep, withDeadline } from '@lovage/core/driver';
import { type ClientTimes, createPool, type Pool, type PoolClient, type Sql } from './connection.ts';
import type { PostgresTarget } from './postgres-url.ts';
import { isPassing, toStoreError } from './store-errors.ts';

/** Between two tries, in milliseconds: doubling from the first to the longest. */
const pauses = { first: 25, longest: 500 };

/** What a link needs. */
export interface LinkOptions {
  readonly clock: Clock;
  readonly times: ClientTimes;
  /** How long work is tried, in milliseconds. */
  readonly timeout: number;
  /** Throws when the schema is not what this version needs; asked before the first work. */
  readonly assertSchema: (sql: Sql) => Promise<void>;
}

/**
 * The way to PostgreSQL. Work is tried again on another connection when one is lost, the server restarts, or it is read only, until a
 * deadline: so all work given to it may be repeated.
 */
export class PostgresLink {
  readonly target: PostgresTarget;
  readonly clock: Clock;
  readonly times: ClientTimes;
  readonly #options: LinkOptions;
  #pool: Promise<Pool> | undefined;
  #fits: Promise<void> | undefined;
  #closed = false;

  constructor(target: PostgresTarget, options: LinkOptions) {
    this.target = target;
    this.clock = options.clock;
    this.times = options.times;
    this.#options = options;
  }

  /** The schema's name, quoted, for statements. */
  get schema(): string {
    return quoteName(this.target.schema);
  }

  /** Runs one statement. */
  async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.run(async (sql) => (await sql.query(text, [...values])).rows as Row[]);
  }

  /** Runs statements of one transaction. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.run((sql) => inTransaction(sql, work));
  }

  /** Runs `work` on a connection, again where that failed for a reason that passes. Rejects with an error of the catalogue. */
  run<T>(work: (sql: Sql) => Promise<T>, timeout: number = this.#options.timeout): Promise<T> {
    return this.runUnchecked(async (sql) => {
      await this.#assertSchema(sql);
      return work(sql);
    }, timeout);
  }

  /** As {@link run}, whatever the schema is. */
  async runUnchecked<T>(work: (sql: Sql) => Promise<T>, timeout: number = this.#options.timeout): Promise<T> {
    const { clock } = this;
    const end = clock.monotonic() + timeout;
    for (let pause = pauses.first; ; pause = Math.min(pause * 2, pauses.longest)) {
      try {
        return await this.#attempt(work, Math.max(1, end - clock.monotonic()));
      } catch (error) {
        if (this.#closed || !isPassing(error) || clock.monotonic() + pause >= end)
          throw this.#closed ? closed() : toStoreError(error, this.target.display);
      }
      await sleep(clock, pause);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const pool = await this.#pool?.catch(() => undefined); // its error was given to whoever asked
    await pool?.end();
  }

  async #attempt<T>(work: (sql: Sql) => Promise<T>, left: number): Promise<T> {
    if (this.#closed) throw closed();
    const late = (): Error =>
      new ResultBackendUnavailableError(
        `PostgreSQL at ${this.target.display} did not answer within ${Math.round(left)} ms`,
      );
    const end = this.clock.monotonic() + left;
    const client = await this.#connect(left, late);
    let lost: Error | undefined;
    try {
      return await withDeadline(this.clock, Math.max(1, end - this.clock.monotonic()), work(client), late);
    } catch (error) {
      if (isPassing(error)) lost = error as Error; // whatever it was: the next try opens another connection
      throw error;
    } finally {
      client.release(lost);
    }
  }

  async #connect(left: number, late: () => Error): Promise<PoolClient> {
    this.#pool ??= createPool(this.target, this.times);
    const pool = await this.#pool;
    const connecting = pool.connect();
    return withDeadline(this.clock, left, connecting, () => {
      connecting.then((client) => client.release()).catch(() => {}); // it came too late
      return late();
    });
  }

  /** Once it fits it does: a schema that is made newer meanwhile is met at the next start. */
  async #assertSchema(sql: Sql): Promise<void> {
    this.#fits ??= this.#options.assertSchema(sql);
    try {
      await this.#fits;
    } catch (error) {
      this.#fits = undefined;
      throw error;
    }
  }
}

function closed(): ClosedError {
  return new ClosedError('the PostgreSQL connection');
}

/** Runs `work` between BEGIN and COMMIT; what it throws rolls back. */
export async function inTransaction<T>(sql: Sql, work: (sql: Sql) => Promise<T>): Promise<T> {
  await sql.query('BEGIN');
  try {
    const value = await work(sql);
    await sql.query('COMMIT');
    return value;
  } catch (error) {
    await sql.query('ROLLBACK').catch(() => {}); // the connection is gone, and the transaction with it
    throw error;
  }
}

/** A name as an identifier of SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
