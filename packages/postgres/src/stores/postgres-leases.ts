import type { LeaseStore } from '@lovage/core/driver';
import type { PostgresLink } from '../link.ts';

/** Leases as rows; the database's clock tells when they are over. */
export function createPostgresLeases(link: PostgresLink): LeaseStore {
  const table = `${link.schema}.leases`;
  return {
    async acquire(name, owner, ttl) {
      const [row] = await link.query<{ token: string }>(
        `INSERT INTO ${table} AS l
         VALUES ($1, $2, nextval('${link.schema}.lease_tokens'), clock_timestamp() + $3 * interval '1 millisecond')
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at,
           token = CASE WHEN l.owner = excluded.owner AND l.expires_at > clock_timestamp() THEN l.token ELSE excluded.token END
         WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp() RETURNING token`,
        [name, owner, ttl],
      );
      return row && { token: Number(row.token) };
    },
    async renew(name, owner, ttl) {
      const rows = await link.query(
        `UPDATE ${table} SET expires_at = clock_timestamp() + $3 * interval '1 millisecond'
         WHERE name = $1 AND owner = $2 AND expires_at > clock_timestamp() RETURNING 1`,
        [name, owner, ttl],
      );
      return rows.length > 0;
    },
    async release(name, owner) {
      const rows = await link.query<{ held: boolean }>(
        `DELETE FROM ${table} WHERE name = $1 AND owner = $2 RETURNING expires_at > clock_timestamp() AS held`,
        [name, owner],
      );
      return rows[0]?.held === true;
    },
  };
}
