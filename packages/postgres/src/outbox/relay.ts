import { type Clock, type Logger, sleep } from '@lovage/core/driver';
import type { ClientTimes, Sql } from '../connection.ts';
import { inTransaction, PostgresLink } from '../link.ts';
import { PostgresListener } from '../listener.ts';
import { parsePostgresUrl } from '../postgres-url.ts';
import { assertSchema, migrate } from '../schema/migrator.ts';
import { type OutboxEntry, outboxChannel } from './outbox-table.ts';

/** What a relay is made of. */
export interface OutboxRelayOptions {
  readonly url: string;
  readonly prefix: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: ClientTimes;
  /** Rows of one transaction. @default 500 */
  readonly batch?: number;
  /** How often it looks without being notified, in milliseconds. @default 2000 */
  readonly interval?: number;
  /** Hands entries to the broker. Returns why some cannot be sent, by id; throws where none could, for a reason that passes. */
  readonly send: (entries: readonly OutboxEntry[]) => Promise<ReadonlyMap<string, Error>>;
}

interface Row extends OutboxEntry {
  readonly place: string;
  readonly created_at: Date;
}

/** How long one transaction may take with its publish, in milliseconds. */
const batchTimeout = 60_000;
const pauses = { first: 100, longest: 5_000 };

/**
 * Sends what is committed to the outbox: takes rows that no other relay holds, hands them to the broker, and commits their deletion. One that
 * dies in between leaves them for the next, which sends them again under the same ids.
 */
export class OutboxRelay {
  readonly #options: OutboxRelayOptions;
  readonly #link: PostgresLink;
  readonly #listener: PostgresListener;
  readonly #ended = new AbortController();
  #wake: AbortController = new AbortController();
  #working: Promise<void> = Promise.resolve();
  #sent = 0;

  private constructor(options: OutboxRelayOptions) {
    this.#options = options;
    const target = parsePostgresUrl(options.url, options.prefix);
    this.#link = new PostgresLink(target, {
      clock: options.clock,
      times: options.times,
      timeout: batchTimeout,
      assertSchema: async (sql) => {
        if (target.migrates) await migrate(sql, target);
        await assertSchema(sql, target);
      },
    });
    this.#listener = new PostgresListener(this.#link, options.logger);
  }

  /** Resolves when it works. Throws {@link ConfigurationError} where the tables are missing or of another version, and as a connection does. */
  static async start(options: OutboxRelayOptions): Promise<OutboxRelay> {
    const relay = new OutboxRelay(options);
    try {
      const wake = (): void => relay.#wakeUp();
      await relay.#listener.listen(outboxChannel(relay.#link.target.schema), wake, wake);
    } catch (error) {
      await relay.close();
      throw error;
    }
    relay.#begin();
    return relay;
  }

  /** How many entries it has handed to the broker. */
  get sent(): number {
    return this.#sent;
  }

  /** Resolves when the batch under way is done. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wakeUp();
    await this.#working;
    await Promise.all([this.#listener.close(), this.#link.close()]);
  }

  #begin(): void {
    this.#working = this.#work();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { batch = 500, interval = 2_000, clock, logger } = this.#options;
    let pause = pauses.first;
    while (!this.#ended.signal.aborted) {
      this.#wake = new AbortController(); // a notification from now on is not missed
      try {
        const taken = await this.#link.run((sql) => inTransaction(sql, () => this.#relay(sql, batch)));
        pause = pauses.first;
        if (taken < batch) await sleep(clock, interval, this.#wake.signal).catch(() => {}); // notified
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        logger.warn('the outbox cannot be relayed, trying again', { error, inMs: pause });
        await sleep(clock, pause, this.#ended.signal).catch(() => {}); // closed
        pause = Math.min(pause * 2, pauses.longest);
      }
    }
  }

  /** How many rows were taken. */
  async #relay(sql: Sql, batch: number): Promise<number> {
    const table = `${this.#link.schema}.outbox`;
    const { rows }: { rows: Row[] } = await sql.query(
      `WITH taken AS MATERIALIZED (SELECT place FROM ${table} WHERE error IS NULL ORDER BY place LIMIT $1 FOR UPDATE SKIP LOCKED)
       DELETE FROM ${table} o USING taken WHERE o.place = taken.place RETURNING o.place, o.id, o.body, o.created_at`,
      [batch],
    );
    if (rows.length === 0) return 0;
    rows.sort((a, b) => Number(a.place) - Number(b.place));
    const refused = await this.#options.send(rows);
    for (const row of rows) {
      const error = refused.get(row.id);
      if (error) await this.#keep(sql, row, error);
    }
    this.#sent += rows.length - refused.size;
    return rows.length;
  }

  /** A row that nobody can send is kept with the reason, and does not stand in the way of the others. */
  async #keep(sql: Sql, { id, body, created_at }: Row, error: Error): Promise<void> {
    this.#options.logger.error('an entry of the outbox cannot be sent: it is kept with its error', {
      taskId: id,
      error,
    });
    const table = `${this.#link.schema}.outbox`;
    const text = `${error.name}: ${error.message}`.replaceAll('\0', '');
    await sql.query(`INSERT INTO ${table} (id, body, created_at, error) VALUES ($1, $2, $3, $4)`, [
      id,
      body,
      created_at,
      text,
    ]);
  }

  #wakeUp(): void {
    this.#wake.abort();
  }
}

/** For core, which finds it by name. */
export const startOutboxRelay: (options: OutboxRelayOptions) => Promise<OutboxRelay> = (options) =>
  OutboxRelay.start(options);
