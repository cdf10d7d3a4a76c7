import {
  type Connection,
  type DriverContext,
  defaultHistoryLimits,
  defaultRetention,
  type Finding,
  type LeaseStore,
  type ScheduleStore,
  type SchemaKeeper,
  type StoreReport,
  withDeadline,
} from '@lovage/core/driver';
import { deleteOldEffects } from './effects/old-effects.ts';
import { PostgresHistory } from './history/postgres-history.ts';
import { PostgresLink } from './link.ts';
import { PostgresListener } from './listener.ts';
import { type PostgresTarget, parsePostgresUrl } from './postgres-url.ts';
import { PostgresResults } from './results/postgres-results.ts';
import { assertSchema, migrate } from './schema/migrator.ts';
import { createSchemaKeeper } from './schema/schema-keeper.ts';
import { createPostgresLeases } from './stores/postgres-leases.ts';
import { createPostgresSchedules } from './stores/postgres-schedules.ts';
import { PostgresSweeper } from './sweeper.ts';

/** The oldest server that is tried, as `server_version_num`. */
const oldestVersion = 130_000;

/** Everything PostgreSQL does for an app, over one pool and one listening connection. */
export class PostgresConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = false;
  readonly results: PostgresResults;
  readonly schema: SchemaKeeper;
  readonly leases: LeaseStore;
  readonly schedules: ScheduleStore;
  readonly history: PostgresHistory;
  readonly #context: DriverContext;
  readonly #target: PostgresTarget;
  readonly #link: PostgresLink;
  readonly #listener: PostgresListener;
  readonly #sweeper: PostgresSweeper;

  constructor(url: string, context: DriverContext) {
    const { clock, logger, connection, prefix, retention = defaultRetention } = context;
    const target = parsePostgresUrl(url, prefix, connection.tls);
    const { display, schema } = target;
    this.#context = context;
    this.#target = target;
    this.display = display;
    const link = new PostgresLink(target, {
      clock,
      times: connection,
      timeout: context.publishTimeout,
      assertSchema: async (sql) => {
        if (target.migrates) await migrate(sql, target);
        await assertSchema(sql, { schema, display });
      },
    });
    this.#link = link;
    this.schema = createSchemaKeeper(link);
    this.#listener = new PostgresListener(link, logger);
    this.results = new PostgresResults(link, this.#listener, logger);
    this.leases = createPostgresLeases(link);
    this.schedules = createPostgresSchedules(link);
    this.history = new PostgresHistory({ link, clock, limits: context.history ?? defaultHistoryLimits });
    this.#sweeper = new PostgresSweeper({
      link,
      retention,
      logger,
      others: [(most) => deleteOldEffects(link, most)],
      history: this.history,
    });
  }

  sweep(): Promise<void> {
    return this.#sweeper.sweep();
  }

  /** Answers also where the server is read only: a worker may start while it fails over. */
  async check(timeout: number, thorough = false): Promise<StoreReport> {
    const report = await this.#link.run(async (sql) => {
      const { rows } = await sql.query(
        `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
         current_setting('synchronous_commit') AS commits, current_setting('fsync') AS fsync, pg_is_in_recovery() AS standby`,
      );
      return rows[0] as ServerSettings;
    }, timeout);
    const warnings = warningsOf(report, this.display);
    const version = `PostgreSQL ${report.version}, schema ${this.#target.schema}`;
    if (!thorough) return { version, warnings };
    return { version, warnings, findings: warnings.map(toFinding) };
  }

  /** Ends every socket within the deadline, also when the server is dead. */
  async close(deadline: number): Promise<void> {
    const closing = Promise.all([this.#listener.close(), this.#link.close()]);
    await withDeadline(this.#context.clock, deadline, closing, () => new Error('late')).catch(() => {}); // nothing is lost with them
  }
}

interface ServerSettings {
  readonly version: string;
  readonly number: number;
  readonly commits: string;
  readonly fsync: string;
  readonly standby: boolean;
}

function warningsOf({ number, commits, fsync, standby, version }: ServerSettings, display: string): readonly string[] {
  return [
    ...(number < oldestVersion
      ? [`PostgreSQL ${version} at ${display} is older than 13, the oldest that is tried: upgrade it`]
      : []),
    ...(fsync === 'off'
      ? [`PostgreSQL at ${display} runs with fsync=off: a crash of its machine loses results: set fsync=on`]
      : []),
    ...(commits === 'off'
      ? [
          `PostgreSQL at ${display} runs with synchronous_commit=off: a crash loses the results of its last moments: set it to on`,
        ]
      : []),
    ...(standby ? [`PostgreSQL at ${display} is a standby, and read only: name the primary`] : []),
  ];
}

function toFinding(message: string): Finding {
  const [what = message, fix] = message.split(/: (?=[^:]*$)/);
  return { check: 'results', state: 'warning', message: what, ...(fix === undefined ? {} : { fix }) };
}
