import { results } from './0001-results.sql.ts';
import { effects } from './0002-effects.sql.ts';
import type { Migration } from './migration.ts';

/** Every step, in order. */
export const migrations: readonly Migration[] = [results, effects];

/** The version that this code works with. */
export const schemaVersion: number = migrations.length;
