import type { PostgresLink } from '../link.ts';

/** Marks of effects are kept for so long: no message of a task comes back later than that. */
const kept = '30 days';

/** Deletes some marks that are too old; returns how many. */
export async function deleteOldEffects(link: PostgresLink, most: number): Promise<number> {
  const table = `${link.schema}.effects`;
  const [row] = await link.query<{ count: number }>(
    `WITH old AS MATERIALIZED (SELECT task_id, step FROM ${table} WHERE done_at < now() - interval '${kept}'
       LIMIT ${most} FOR UPDATE SKIP LOCKED),
     gone AS (DELETE FROM ${table} e USING old WHERE e.task_id = old.task_id AND e.step = old.step RETURNING 1)
     SELECT count(*)::integer AS count FROM gone`,
  );
  return row?.count ?? 0;
}
