import {
  type AuditEntry,
  type Clock,
  type FailureEntry,
  type FailureGroup,
  type FailureQuery,
  type HistoryBatch,
  type HistoryLimits,
  type HistoryStore,
  kindOf,
  type MinuteStats,
  minuteMs,
  type RunKind,
  type RunRow,
  type RunRowPage,
} from '@lovage/core/driver';
import type { Sql } from '../connection.ts';
import type { PostgresLink } from '../link.ts';

/** Entries of the audit that are kept. */
const mostAudits = 10_000;
const kinds = ['succeeded', 'other'] as const;

interface BodyRow {
  readonly body: string;
}

interface GroupRow {
  readonly fingerprint: string;
  readonly first_at: string;
  readonly last_at: string;
  readonly total: string;
  readonly open: string;
  readonly latest: string;
}

/** What a history needs. */
export interface HistoryParts {
  readonly link: PostgresLink;
  readonly clock: Clock;
  readonly limits: HistoryLimits;
}

/** What happened, as rows. */
export class PostgresHistory implements HistoryStore {
  readonly #link: PostgresLink;
  readonly #clock: Clock;
  readonly #limits: HistoryLimits;

  constructor({ link, clock, limits }: HistoryParts) {
    [this.#link, this.#clock, this.#limits] = [link, clock, limits];
  }

  append({ rows, failures, minutes }: HistoryBatch): Promise<void> {
    return this.#link.transaction(async (sql) => {
      for (const kind of kinds) {
        const own = rows.filter((row) => kindOf(row) === kind);
        if (own.length > 0) await this.#addRows(sql, kind, own);
      }
      for (const failure of failures) await this.#addFailure(sql, failure);
      if (failures.length > 0) await this.#trimFailures(sql);
      for (const stats of inOrder(minutes)) await this.#addMinute(sql, stats);
    });
  }

  async rows(
    kind: RunKind,
    { before, limit }: { readonly before?: string; readonly limit: number },
  ): Promise<RunRowPage> {
    const found = await this.#link.query<BodyRow & { place: string }>(
      `SELECT place, body FROM ${this.#link.schema}.history_rows WHERE kind = $1 AND place < $2 ORDER BY place DESC LIMIT $3`,
      [kind, before ?? '9223372036854775807', limit + 1],
    );
    const page = found.slice(0, limit);
    return {
      rows: page.map(({ body }) => JSON.parse(body) as RunRow),
      places: page.map(({ place }) => place),
      more: found.length > limit,
    };
  }

  async attempts(id: string): Promise<readonly RunRow[]> {
    const rows = await this.#link.query<BodyRow>(
      `SELECT body FROM ${this.#link.schema}.history_rows WHERE id = $1 AND tracked
       ORDER BY at, place`,
      [id],
    );
    return rows.map(({ body }) => JSON.parse(body) as RunRow);
  }

  async minutes(from: number, to: number): Promise<readonly MinuteStats[]> {
    const rows = await this.#link.query<Record<keyof MinuteStats, never>>(
      `SELECT * FROM ${this.#link.schema}.history_minutes WHERE minute BETWEEN $1 AND $2 ORDER BY minute`,
      [from, to],
    );
    return rows.map(({ minute, task, queue, succeeded, failed, retried, revoked, busy, wait, run }) => ({
      ...{ minute, task, queue, busy: Number(busy), wait, run },
      ...{ succeeded: Number(succeeded), failed: Number(failed), retried: Number(retried), revoked: Number(revoked) },
    }));
  }

  async failures({ fingerprint, after, limit }: FailureQuery): Promise<readonly FailureEntry[]> {
    const rows = await this.#link.query<BodyRow>(
      `SELECT body FROM ${this.#link.schema}.failures
       WHERE ($1::text IS NULL OR fingerprint = $1) AND ($2::bigint IS NULL OR (at, id) < ($2, $3::text))
       ORDER BY at DESC, id DESC LIMIT $4`,
      [fingerprint ?? null, after?.at ?? null, after?.id ?? null, limit],
    );
    return rows.map(({ body }) => JSON.parse(body) as FailureEntry);
  }

  async failure(ids: readonly string[]): Promise<readonly (FailureEntry | undefined)[]> {
    const rows = await this.#link.query<BodyRow & { id: string }>(
      `SELECT id, body FROM ${this.#link.schema}.failures WHERE id = ANY ($1::text[])`,
      [[...ids]],
    );
    const found = new Map(rows.map(({ id, body }) => [id, JSON.parse(body) as FailureEntry]));
    return ids.map((id) => found.get(id));
  }

  async failureGroups(): Promise<readonly FailureGroup[]> {
    const { schema } = this.#link;
    const rows = await this.#link.query<GroupRow>(
      `SELECT g.*, open.count AS open FROM ${schema}.failure_groups g
       JOIN (SELECT fingerprint, count(*) FROM ${schema}.failures GROUP BY 1) AS open USING (fingerprint)
       ORDER BY g.last_at DESC`,
    );
    return rows.map(toGroup);
  }

  async removeFailures(ids: readonly string[]): Promise<readonly boolean[]> {
    const rows = await this.#link.query<{ id: string }>(
      `DELETE FROM ${this.#link.schema}.failures WHERE id = ANY ($1::text[]) RETURNING id`,
      [[...ids]],
    );
    const removed = new Set(rows.map(({ id }) => id));
    return ids.map((id) => removed.delete(id)); // the second of two with one id finds nothing
  }

  audit(entry: AuditEntry): Promise<void> {
    const { schema } = this.#link;
    return this.#link.transaction(async (sql) => {
      const added = await sql.query(`INSERT INTO ${schema}.audits (body) VALUES ($1) RETURNING place`, [
        JSON.stringify(entry),
      ]);
      const place = Number(added.rows[0].place);
      await sql.query(`DELETE FROM ${schema}.audits WHERE place <= $1`, [place - mostAudits]);
    });
  }

  async audits(limit: number): Promise<readonly AuditEntry[]> {
    const rows = await this.#link.query<BodyRow>(
      `SELECT body FROM ${this.#link.schema}.audits ORDER BY place DESC LIMIT $1`,
      [limit],
    );
    return rows.map(({ body }) => JSON.parse(body) as AuditEntry);
  }

  async sweep(): Promise<void> {
    const { schema } = this.#link;
    const now = this.#clock.now();
    const since = now - this.#limits.expires;
    await this.#link.query(`DELETE FROM ${schema}.history_rows WHERE at < $1`, [since]);
    await this.#link.query(`DELETE FROM ${schema}.history_minutes WHERE minute < $1`, [
      Math.floor((now - this.#limits.minutesExpire) / minuteMs),
    ]);
    await this.#link.query(`DELETE FROM ${schema}.failures WHERE at < $1`, [since]);
    await this.#link.query(`DELETE FROM ${schema}.failure_groups WHERE last_at < $1`, [since]);
    for (const kind of kinds) await this.#sweepBytes('history_rows', `kind = '${kind}'`, 'place', 'bytes');
    await this.#sweepBytes('failures', 'true', 'at', 'octet_length(body)');
  }

  async #addRows(sql: Sql, kind: RunKind, rows: readonly RunRow[]): Promise<void> {
    const { schema } = this.#link;
    const bodies = rows.map((row) => JSON.stringify(row));
    const added = await sql.query(
      `INSERT INTO ${schema}.history_rows (kind, place, id, tracked, at, bytes, body)
       SELECT $1, nextval('${schema}.history_places_${kind}'), r.id, r.tracked, r.at, octet_length(r.body), r.body
       FROM unnest($2::text[], $3::boolean[], $4::bigint[], $5::text[]) WITH ORDINALITY AS r(id, tracked, at, body, n)
       ORDER BY n RETURNING place`,
      [
        kind,
        rows.map(({ id }) => id),
        rows.map(({ state, attempt }) => state !== 'SUCCESS' || attempt !== 1),
        rows.map(({ at }) => Math.round(at)),
        bodies,
      ],
    );
    const newest = added.rows.reduce((most, { place }) => Math.max(most, Number(place)), 0);
    await sql.query(`DELETE FROM ${schema}.history_rows WHERE kind = $1 AND place <= $2`, [
      kind,
      newest - this.#limits.rows,
    ]);
  }

  async #addFailure(sql: Sql, failure: FailureEntry): Promise<void> {
    const { schema } = this.#link;
    const { row } = failure;
    const { fingerprint } = row.error;
    await sql.query(
      `INSERT INTO ${schema}.failures VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
       SET fingerprint = excluded.fingerprint, at = excluded.at, body = excluded.body`,
      [row.id, fingerprint, Math.round(row.at), JSON.stringify(failure)],
    );
    await sql.query(
      `INSERT INTO ${schema}.failure_groups AS g VALUES ($1, $2, $2, 1, $3) ON CONFLICT (fingerprint) DO UPDATE
       SET last_at = excluded.last_at, total = g.total + 1, latest = excluded.latest`,
      [fingerprint, Math.round(row.at), JSON.stringify(row)],
    );
  }

  async #trimFailures(sql: Sql): Promise<void> {
    const table = `${this.#link.schema}.failures`;
    await sql.query(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY at DESC, id DESC OFFSET $1)`, [
      this.#limits.failures,
    ]);
  }

  async #addMinute(sql: Sql, stats: MinuteStats): Promise<void> {
    const { schema } = this.#link;
    const counts = ['succeeded', 'failed', 'retried', 'revoked', 'busy'];
    await sql.query(
      `INSERT INTO ${schema}.history_minutes AS m VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       ON CONFLICT (minute, task, queue) DO UPDATE SET
         ${counts.map((name) => `${name} = m.${name} + excluded.${name}`).join(', ')},
         wait = ${schema}.add_buckets(m.wait, excluded.wait), run = ${schema}.add_buckets(m.run, excluded.run)`,
      [
        ...[stats.minute, stats.task, stats.queue, stats.succeeded, stats.failed, stats.retried, stats.revoked],
        ...[stats.busy, JSON.stringify(stats.wait), JSON.stringify(stats.run)],
      ],
    );
  }

  /** The newest stay, as many as fit. */
  async #sweepBytes(table: string, where: string, order: string, bytes: string): Promise<void> {
    const name = `${this.#link.schema}.${table}`;
    const [last] = await this.#link.query<{ last: string }>(
      `SELECT last FROM (SELECT ${order} AS last, sum(${bytes}) OVER (ORDER BY ${order} DESC) AS total FROM ${name}
       WHERE ${where}) AS line WHERE total > $1 ORDER BY last DESC LIMIT 1`,
      [this.#limits.bytes],
    );
    if (last) await this.#link.query(`DELETE FROM ${name} WHERE ${where} AND ${order} <= $1`, [last.last]);
  }
}

/** Always the same: two workers that add to the same minutes do not wait for each other in a circle. */
function inOrder(minutes: readonly MinuteStats[]): readonly MinuteStats[] {
  const keyOf = ({ minute, task, queue }: MinuteStats): string => JSON.stringify([minute, task, queue]);
  return minutes
    .map((stats) => ({ stats, key: keyOf(stats) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ stats }) => stats);
}

function toGroup({ fingerprint, first_at, last_at, total, open, latest }: GroupRow): FailureGroup {
  const row = JSON.parse(latest) as FailureEntry['row'];
  const { name, message, frame } = row.error;
  return {
    ...{ fingerprint, name, message, ...(frame === undefined ? {} : { frame }), task: row.task },
    ...{
      open: Number(open),
      total: Number(total),
      firstAt: Number(first_at),
      lastAt: Number(last_at),
      example: row.id,
    },
  };
}
