import type { HistoryStore, Logger, Retention } from '@lovage/core/driver';
import type { PostgresLink } from './link.ts';

/** Rows of one DELETE: bounds how long its locks are held, and how much of the log it writes at once. */
const batchSize = 2_000;
/** Between two sweeps of a fleet at least, in milliseconds. */
const shortestInterval = 14_000;
const kinds = ['results', 'failures'] as const;

type Kind = (typeof kinds)[number];

/** A further table that is swept: deletes some rows that are over, and says how many. */
export type SweepSome = (most: number) => Promise<number>;

/** What a sweeper needs. */
export interface SweeperParts {
  readonly link: PostgresLink;
  readonly retention: Retention;
  readonly logger: Logger;
  readonly others: readonly SweepSome[];
  readonly history: Pick<HistoryStore, 'sweep'>;
}

/** Deletes what is over and too old or too much, in batches. */
export class PostgresSweeper {
  readonly #parts: SweeperParts;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Of the workers that come within some seconds, the first does it. */
  async sweep(): Promise<void> {
    if (!(await this.#takeTurn())) return;
    const { others, history } = this.#parts;
    await this.#all(() => this.#delete('results', 'id', 'expires_at <= now()'));
    await this.#all(() => this.#deleteJoins());
    for (const kind of kinds) await this.#sweepKind(kind);
    await this.#sweepBytes();
    for (const some of others) await this.#all(() => some(batchSize));
    await history.sweep();
  }

  async #takeTurn(): Promise<boolean> {
    const { link, retention } = this.#parts;
    const interval = Math.max(1, Math.min(shortestInterval, Math.floor(retention.grace / 3))); // nothing ages sooner
    const rows = await link.query(
      `INSERT INTO ${link.schema}.sweeps AS s VALUES ('all', clock_timestamp())
       ON CONFLICT (name) DO UPDATE SET swept_at = excluded.swept_at
       WHERE s.swept_at <= clock_timestamp() - $1 * interval '1 millisecond' RETURNING 1`,
      [interval],
    );
    return rows.length > 0;
  }

  async #all(some: () => Promise<number>): Promise<void> {
    while ((await some()) >= batchSize);
  }

  /** Rows that others hold are left for the next sweep. */
  async #delete(table: string, key: string, where: string, values: readonly unknown[] = []): Promise<number> {
    const { link } = this.#parts;
    const name = `${link.schema}.${table}`;
    const sql = `WITH gone AS (DELETE FROM ${name} WHERE ${key} IN
      (SELECT ${key} FROM ${name} WHERE ${where} LIMIT ${batchSize} FOR UPDATE SKIP LOCKED) RETURNING 1)
      SELECT count(*)::integer AS count FROM gone`;
    const [row] = await link.query<{ count: number }>(sql, values);
    return row?.count ?? 0;
  }

  async #deleteJoins(): Promise<number> {
    const { schema } = this.#parts.link;
    const sql = `WITH gone AS (DELETE FROM ${schema}.joins WHERE group_id IN
      (SELECT group_id FROM ${schema}.joins WHERE expires_at <= now() LIMIT ${batchSize} FOR UPDATE SKIP LOCKED)
      RETURNING group_id), members AS (DELETE FROM ${schema}.join_members USING gone
      WHERE join_members.group_id = gone.group_id)
      SELECT count(*)::integer AS count FROM gone`;
    const [row] = await this.#parts.link.query<{ count: number }>(sql);
    return row?.count ?? 0;
  }

  /** The newest stay; failures are counted by themselves. */
  async #sweepKind(kind: Kind): Promise<void> {
    const { link, retention } = this.#parts;
    const [last] = await link.query<{ place: string }>(
      `SELECT place FROM ${link.schema}.results WHERE kind = '${kind}' AND NOT stops ORDER BY place DESC OFFSET $1 LIMIT 1`,
      [retention[kind]],
    );
    if (last) await this.#deleteUpTo(kind, last.place);
  }

  /** Results go first, failures last: whoever looks for one of them looks late. */
  async #sweepBytes(): Promise<void> {
    const { link, retention } = this.#parts;
    const sums = await link.query<{ kind: Kind; bytes: string }>(
      `SELECT kind, sum(bytes) AS bytes FROM ${link.schema}.results WHERE kind IS NOT NULL AND NOT stops GROUP BY kind`,
    );
    const bytes = Object.fromEntries(sums.map(({ kind, bytes: sum }) => [kind, Number(sum)]));
    for (const kind of kinds) {
      const others = kinds.reduce((sum, other) => (other === kind ? sum : sum + (bytes[other] ?? 0)), 0);
      const room = Math.max(0, retention.bytes - others);
      if ((bytes[kind] ?? 0) <= room) continue;
      const [last] = await link.query<{ place: string }>(
        `SELECT place FROM (SELECT place, sum(bytes) OVER (ORDER BY place DESC) AS total FROM ${link.schema}.results
         WHERE kind = '${kind}' AND NOT stops) AS line WHERE total > $1 ORDER BY place DESC LIMIT 1`,
        [room],
      );
      if (!last) continue;
      await this.#deleteUpTo(kind, last.place);
      bytes[kind] = room;
    }
  }

  #deleteUpTo(kind: Kind, place: string): Promise<void> {
    const where = `kind = '${kind}' AND NOT stops AND place <= $1 AND stored_at <= now() - $2 * interval '1 millisecond'`;
    return this.#all(() => this.#delete('results', 'id', where, [place, this.#parts.retention.grace]));
  }
}
