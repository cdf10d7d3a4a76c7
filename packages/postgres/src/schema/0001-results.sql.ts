import type { Migration } from './migration.ts';

/**
 * Outcomes of tasks, and who of a group has ended. `record` is text, not jsonb: its keys keep their order, and U+0000 is allowed in it.
 * An expired row counts as absent before it is swept.
 */
export const results: Migration = {
  version: 1,
  name: 'results',
  sql: (s) => `
CREATE SEQUENCE ${s}.result_places;

CREATE TABLE ${s}.results (
  id         text PRIMARY KEY,
  task       text NOT NULL,
  state      text NOT NULL,
  final      boolean NOT NULL,
  kind       text, -- 'results' or 'failures': may go before its time for want of room
  stops      boolean NOT NULL, -- stops a message that may still be somewhere: is not swept
  record     text NOT NULL,
  bytes      integer NOT NULL,
  place      bigint NOT NULL, -- the order in which they came
  stored_at  timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX results_expiry ON ${s}.results (expires_at);
CREATE INDEX results_kept ON ${s}.results (kind, place) INCLUDE (bytes) WHERE kind IS NOT NULL AND NOT stops;

CREATE TABLE ${s}.joins (
  group_id   text PRIMARY KEY,
  size       integer,
  done       integer NOT NULL,
  failed     integer NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX joins_expiry ON ${s}.joins (expires_at);

CREATE TABLE ${s}.join_members (
  group_id text NOT NULL,
  index    integer NOT NULL,
  PRIMARY KEY (group_id, index)
);

CREATE TABLE ${s}.sweeps (
  name     text PRIMARY KEY,
  swept_at timestamptz NOT NULL
);

-- Stores outcomes, and notifies; of each, in order, whether it stands now. Ids of one call differ. A final one is never overwritten:
-- the same one again only changes how long it is kept. Rows are locked in the order of their ids, so that calls do not wait in a circle.
CREATE FUNCTION ${s}.put_outcomes(
  ids text[], tasks text[], states text[], finals boolean[], kinds text[], stopping boolean[], records text[],
  ttls double precision[], channels text[], bare_texts text[]
) RETURNS TABLE (n bigint, stored boolean) LANGUAGE sql AS $$
  WITH given AS MATERIALIZED (
    SELECT g.*, nextval('${s}.result_places') AS place, now() + g.ttl * interval '1 millisecond' AS expires_at
    FROM unnest(ids, tasks, states, finals, kinds, stopping, records, ttls, channels, bare_texts) WITH ORDINALITY
      AS g(id, task, state, final, kind, stops, record, ttl, channel, bare_text, n)
  ), put AS (
    INSERT INTO ${s}.results AS r
      (id, task, state, final, kind, stops, record, bytes, place, stored_at, expires_at)
    SELECT id, task, state, final, kind, stops, record, octet_length(record) + octet_length(id), place, now(), expires_at
    FROM given ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
      task = excluded.task, state = excluded.state, final = excluded.final, kind = excluded.kind,
      record = excluded.record, bytes = excluded.bytes,
      place = CASE WHEN r.final AND r.expires_at > now() THEN r.place ELSE excluded.place END,
      stored_at = CASE WHEN r.final AND r.expires_at > now() THEN r.stored_at ELSE excluded.stored_at END,
      stops = excluded.stops AND (r.stops OR NOT r.final OR r.expires_at <= now()),
      expires_at = CASE WHEN r.final AND NOT excluded.stops AND r.expires_at > now()
        THEN least(r.expires_at, excluded.expires_at) ELSE excluded.expires_at END
    WHERE NOT r.final OR r.expires_at <= now() OR r.record = excluded.record
    RETURNING r.id, r.place, r.record
  )
  SELECT g.n, p.place IS NOT NULL AND p.place = g.place AS stored
  FROM given g LEFT JOIN put p USING (id)
  CROSS JOIN LATERAL (SELECT CASE
    WHEN g.channel IS NULL OR (p.id IS NULL AND NOT g.final) THEN NULL
    WHEN p.id IS NULL OR octet_length(g.record) > 7900 THEN pg_notify(g.channel, g.bare_text)
    ELSE pg_notify(g.channel, g.record) END) AS notified(done)
  ORDER BY g.n
$$;

-- Stores the outcomes that come with members of one group (or none of them has one), and records that they ended.
CREATE FUNCTION ${s}.join_members(
  the_group text, indexes integer[], succeeded boolean[], sizes integer[], announcing boolean[], ttls double precision[],
  ids text[], tasks text[], states text[], finals boolean[], kinds text[], stopping boolean[], records text[],
  record_ttls double precision[], channels text[], bare_texts text[]
) RETURNS TABLE (ended integer, lost integer, complete boolean, refused boolean) LANGUAGE plpgsql AS $$
DECLARE
  g ${s}.joins;
  stands boolean[];
  fresh boolean;
  members integer;
BEGIN
  INSERT INTO ${s}.joins AS j (group_id, done, failed, expires_at)
    VALUES (the_group, 0, 0, clock_timestamp() + ttls[1] * interval '1 millisecond')
    ON CONFLICT (group_id) DO UPDATE SET group_id = excluded.group_id
    RETURNING j.* INTO g;
  IF g.expires_at <= clock_timestamp() THEN
    DELETE FROM ${s}.join_members m WHERE m.group_id = the_group;
    g.size := NULL; g.done := 0; g.failed := 0;
  END IF;
  IF ids IS NOT NULL THEN
    SELECT array_agg(p.stored ORDER BY p.n) INTO stands
    FROM ${s}.put_outcomes(ids, tasks, states, finals, kinds, stopping, records, record_ttls, channels, bare_texts) p;
  END IF;
  FOR i IN 1 .. array_length(indexes, 1) LOOP
    refused := stands IS NOT NULL AND NOT stands[i];
    IF refused THEN
      ended := 0; lost := 0; complete := false;
      RETURN NEXT;
      CONTINUE;
    END IF;
    INSERT INTO ${s}.join_members VALUES (the_group, indexes[i]) ON CONFLICT DO NOTHING;
    fresh := FOUND;
    IF fresh THEN
      g.done := g.done + 1;
      IF NOT succeeded[i] THEN g.failed := g.failed + 1; END IF;
    END IF;
    IF announcing[i] THEN g.size := sizes[i]; END IF;
    members := coalesce(sizes[i], g.size);
    ended := g.done; lost := g.failed; complete := members IS NOT NULL AND g.done >= members;
    IF fresh OR complete OR announcing[i] THEN
      g.expires_at := clock_timestamp()
        + (CASE WHEN complete THEN least(ttls[i], 3600000) ELSE ttls[i] END) * interval '1 millisecond';
    END IF;
    RETURN NEXT;
  END LOOP;
  UPDATE ${s}.joins j SET size = g.size, done = g.done, failed = g.failed, expires_at = g.expires_at
  WHERE j.group_id = the_group;
END
$$;

-- Lets a task run again that ended as FAILURE. Whether it is open now.
CREATE FUNCTION ${s}.reopen_outcome(
  the_id text, the_task text, the_state text, the_record text, ttl double precision
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${s}.results AS r (id, task, state, final, kind, stops, record, bytes, place, stored_at, expires_at)
  VALUES (the_id, the_task, the_state, false, NULL, false, the_record, octet_length(the_record) + octet_length(the_id),
    nextval('${s}.result_places'), now(), now() + ttl * interval '1 millisecond')
  ON CONFLICT (id) DO UPDATE SET
    task = excluded.task, state = excluded.state, final = false, kind = NULL, stops = false, record = excluded.record,
    bytes = excluded.bytes, place = excluded.place, stored_at = excluded.stored_at, expires_at = excluded.expires_at
  WHERE r.state = 'FAILURE' OR r.expires_at <= now();
  RETURN FOUND OR EXISTS (SELECT FROM ${s}.results r WHERE r.id = the_id AND NOT r.final);
END
$$;
`,
};
