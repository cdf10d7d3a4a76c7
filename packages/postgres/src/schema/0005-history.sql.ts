import type { Migration } from './migration.ts';

/** What happened. The places of each kind of row have no gaps but those of transactions that failed, so that counting them is a subtraction. */
export const history: Migration = {
  version: 5,
  name: 'history',
  sql: (s) => `
CREATE SEQUENCE ${s}.history_places_succeeded;
CREATE SEQUENCE ${s}.history_places_other;
CREATE TABLE ${s}.history_rows (
  kind    text NOT NULL,
  place   bigint NOT NULL,
  id      text NOT NULL, -- of the task
  tracked boolean NOT NULL, -- not a first success: found by the task's id
  at      bigint NOT NULL, -- epoch ms
  bytes   integer NOT NULL,
  body    text NOT NULL, -- JSON
  PRIMARY KEY (kind, place)
);
CREATE INDEX history_rows_task ON ${s}.history_rows (id, place) WHERE tracked;
CREATE INDEX history_rows_age ON ${s}.history_rows (at);

CREATE TABLE ${s}.history_minutes (
  minute    integer NOT NULL,
  task      text NOT NULL,
  queue     text NOT NULL,
  succeeded bigint NOT NULL,
  failed    bigint NOT NULL,
  retried   bigint NOT NULL,
  revoked   bigint NOT NULL,
  busy      double precision NOT NULL,
  wait      jsonb NOT NULL,
  run       jsonb NOT NULL,
  PRIMARY KEY (minute, task, queue)
);

CREATE TABLE ${s}.failures (
  id          text COLLATE "C" PRIMARY KEY,
  fingerprint text NOT NULL,
  at          bigint NOT NULL,
  body        text NOT NULL
);
CREATE INDEX failures_latest ON ${s}.failures (at DESC, id DESC);
CREATE INDEX failures_group ON ${s}.failures (fingerprint, at DESC, id DESC);

CREATE TABLE ${s}.failure_groups (
  fingerprint text PRIMARY KEY,
  first_at    bigint NOT NULL,
  last_at     bigint NOT NULL,
  total       bigint NOT NULL,
  latest      text NOT NULL -- the row of the latest one, as JSON
);

CREATE TABLE ${s}.audits (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  body  text NOT NULL
);

CREATE FUNCTION ${s}.add_buckets(one jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(key, sum), '{}') FROM (
    SELECT key, sum(value::numeric) AS sum FROM (
      SELECT * FROM jsonb_each_text(one) UNION ALL SELECT * FROM jsonb_each_text(other)
    ) AS each GROUP BY key
  ) AS sums
$$;
`,
};
