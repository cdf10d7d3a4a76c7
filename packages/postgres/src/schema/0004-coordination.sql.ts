import type { Migration } from './migration.ts';

/** Leases and periodic entries. One sequence gives the fencing tokens of all names, so that a name that was let go costs nothing. */
export const coordination: Migration = {
  version: 4,
  name: 'coordination',
  sql: (s) => `
CREATE SEQUENCE ${s}.lease_tokens;
CREATE TABLE ${s}.leases (
  name       text PRIMARY KEY,
  owner      text NOT NULL,
  token      bigint NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE ${s}.schedules (
  name       text PRIMARY KEY,
  definition text NOT NULL, -- JSON
  enabled    boolean NOT NULL,
  last_slot  bigint -- epoch ms
);
CREATE TABLE ${s}.schedules_version (one boolean PRIMARY KEY CHECK (one), version bigint NOT NULL);
INSERT INTO ${s}.schedules_version VALUES (true, 0);
`,
};
