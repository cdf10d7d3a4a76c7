import type { JsonValue, ScheduleEntry, ScheduleStore } from '@lovage/core/driver';
import type { Sql } from '../connection.ts';
import type { PostgresLink } from '../link.ts';

interface Row {
  readonly name: string;
  readonly definition: string;
  readonly enabled: boolean;
  readonly last_slot: string | null;
}

/** Periodic entries as rows. */
export function createPostgresSchedules(link: PostgresLink): ScheduleStore {
  const table = `${link.schema}.schedules`;
  const version = `${link.schema}.schedules_version`;
  const changed = (sql: Sql): Promise<unknown> => sql.query(`UPDATE ${version} SET version = version + 1`);
  return {
    async list() {
      return (await link.query<Row>(`SELECT * FROM ${table} ORDER BY name`)).map(toEntry);
    },
    async get(names) {
      const rows = await link.query<Row>(`SELECT * FROM ${table} WHERE name = ANY ($1::text[])`, [[...names]]);
      const found = new Map(rows.map((row) => [row.name, toEntry(row)]));
      return names.map((name) => found.get(name));
    },
    async version() {
      const [row] = await link.query<{ version: string }>(`SELECT version FROM ${version}`);
      return row?.version ?? '0';
    },
    save({ name, definition, enabled, lastSlot }) {
      return link.transaction(async (sql) => {
        await sql.query(
          `INSERT INTO ${table} VALUES ($1, $2, $3, $4)
           ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, enabled = excluded.enabled`,
          [name, JSON.stringify(definition), enabled, lastSlot ?? null],
        );
        if (definition !== null) await changed(sql);
      });
    },
    async markFired(name, slot) {
      const rows = await link.query(
        `UPDATE ${table} SET last_slot = $2 WHERE name = $1 AND (last_slot IS NULL OR last_slot < $2) RETURNING 1`,
        [name, slot],
      );
      return rows.length > 0;
    },
    remove(name) {
      return link.transaction(async (sql) => {
        await changed(sql);
        return (await sql.query(`DELETE FROM ${table} WHERE name = $1 RETURNING 1`, [name])).rows.length > 0;
      });
    },
  };
}

function toEntry({ name, definition, enabled, last_slot }: Row): ScheduleEntry {
  const entry = { name, definition: JSON.parse(definition) as JsonValue, enabled };
  return last_slot === null ? entry : { ...entry, lastSlot: Number(last_slot) };
}
