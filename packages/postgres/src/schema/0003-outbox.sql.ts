import type { Migration } from './migration.ts';

/** Calls that were written in a transaction of somebody else's, to be sent once that is committed. */
export const outbox: Migration = {
  version: 3,
  name: 'outbox',
  sql: (s) => `
CREATE TABLE ${s}.outbox (
  place      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id         text NOT NULL, -- of the task or canvas: sent again under it, it runs once
  body       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  error      text -- why it cannot be sent: it is left until that is set to NULL
);
CREATE INDEX outbox_waiting ON ${s}.outbox (place) WHERE error IS NULL;

-- One notification of a transaction, when it is committed.
CREATE FUNCTION ${s}.notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('lovage_outbox_' || md5(TG_TABLE_SCHEMA), '');
  RETURN NULL;
END
$$;
CREATE TRIGGER outbox_notify AFTER INSERT OR UPDATE OF error ON ${s}.outbox
  FOR EACH STATEMENT EXECUTE FUNCTION ${s}.notify_outbox();
`,
};
