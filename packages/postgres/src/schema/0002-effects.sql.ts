import type { Migration } from './migration.ts';

/** Effects that are done: a row is committed in the transaction of its effect. `value` is what the step returned, as JSON. */
export const effects: Migration = {
  version: 2,
  name: 'effects',
  sql: (s) => `
CREATE TABLE ${s}.effects (
  task_id text NOT NULL,
  step    text NOT NULL,
  value   text,
  done_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (task_id, step)
);
CREATE INDEX effects_age ON ${s}.effects (done_at);
`,
};
