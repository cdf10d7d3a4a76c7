import { ConfigurationError, type SchemaStatus } from '@lovage/core/driver';
import type { Sql } from '../connection.ts';
import { inTransaction, quoteName } from '../link.ts';
import type { Migration } from './migration.ts';
import { migrations } from './migrations.ts';

/** Which schema, where. */
export interface SchemaPlace {
  /** Its name, not quoted. */
  readonly schema: string;
  /** The URL without its password, for people. */
  readonly display: string;
}

/** How far the schema of a database is. The steps are an argument for tests. */
export async function readStatus(
  sql: Sql,
  { schema }: Pick<SchemaPlace, 'schema'>,
  steps: readonly Migration[] = migrations,
): Promise<SchemaStatus> {
  const table = `${quoteName(schema)}.migrations`;
  const found = await sql.query('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
  const rows = found.rows[0].there ? (await sql.query(`SELECT max(version) AS version FROM ${table}`)).rows : [];
  const version = Number(rows[0]?.version ?? 0);
  return {
    version,
    wanted: steps.length,
    missing: steps.slice(version).map((step) => ({ name: step.name, sql: scriptOf(step, schema) })),
  };
}

/** Throws {@link ConfigurationError}, which says what to do, unless the schema is the one that this version works with. */
export async function assertSchema(sql: Sql, place: SchemaPlace): Promise<void> {
  const { version, wanted } = await readStatus(sql, place);
  if (version === wanted) return;
  const where = `schema ${JSON.stringify(place.schema)} at ${place.display}`;
  if (version > wanted)
    throw new ConfigurationError(
      `${where} is of version ${version}, newer than this Lovage, which works with ${wanted}: upgrade Lovage here`,
    );
  const state = version === 0 ? 'is not there' : `is of version ${version}, and this Lovage needs ${wanted}`;
  throw new ConfigurationError(`${where} ${state}: run \`lovage db migrate\`, or write ?migrate=auto into the URL`);
}

/**
 * Brings the schema to this version, each step in a transaction of its own; of several processes at once, one does it. Returns the names
 * of the steps that were taken. A schema that is newer is left as it is.
 */
export async function migrate(
  sql: Sql,
  place: Pick<SchemaPlace, 'schema'>,
  steps: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  const taken: string[] = [];
  for (const step of steps) {
    const fresh = await inTransaction(sql, async () => {
      await sql.query("SELECT pg_advisory_xact_lock(hashtext('lovage migrations'), hashtext($1))", [place.schema]);
      const { version } = await readStatus(sql, place, steps);
      if (version >= step.version) return false;
      await sql.query(scriptOf(step, place.schema));
      return true;
    });
    if (fresh) taken.push(step.name);
  }
  return taken;
}

/** One step as a script, to be read, or run by another user: see `lovage db migrate --sql`. */
function scriptOf(step: Migration, schemaName: string): string {
  const schema = quoteName(schemaName);
  const begin = `CREATE SCHEMA IF NOT EXISTS ${schema};
CREATE TABLE IF NOT EXISTS ${schema}.migrations (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);`;
  const end = `INSERT INTO ${schema}.migrations (version, name) VALUES (${step.version}, '${step.name}');`;
  return [...(step.version === 1 ? [begin] : []), step.sql(schema).trim(), end].join('\n\n');
}
