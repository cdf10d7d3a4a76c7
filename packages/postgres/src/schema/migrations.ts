import { results } from './0001-results.sql.ts';
import { effects } from './0002-effects.sql.ts';
import { outbox } from './0003-outbox.sql.ts';
import { coordination } from './0004-coordination.sql.ts';
import { history } from './0005-history.sql.ts';
import type { Migration } from './migration.ts';

/** Every step, in order. */
export const migrations: readonly Migration[] = [results, effects, outbox, coordination, history];

/** The version that this code works with. */
export const schemaVersion: number = migrations.length;
