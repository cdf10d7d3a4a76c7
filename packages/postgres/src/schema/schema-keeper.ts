import type { SchemaKeeper } from '@lovage/core/driver';
import type { PostgresLink } from '../link.ts';
import { migrate, readStatus } from './migrator.ts';

/** Keeps the tables of the schema that a link's URL names. */
export function createSchemaKeeper(link: PostgresLink): SchemaKeeper {
  return {
    status: () => link.runUnchecked((sql) => readStatus(sql, link.target)),
    migrate: () => link.runUnchecked((sql) => migrate(sql, link.target)),
  };
}
