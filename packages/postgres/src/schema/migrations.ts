import { results } from './0001-results.sql.ts';
import type { Migration } from './migration.ts';

/** Every step, in order. */
export const migrations: readonly Migration[] = [results];

/** The version that this code works with. */
export const schemaVersion: number = migrations.length;
