import { ConfigurationError, type TransactionOf } from '@lovage/core/driver';
import { quoteName } from '../link.ts';
import { statementsOf, transact } from './handles.ts';

/** What an effect is known by. */
export interface EffectMark {
  readonly taskId: string;
  readonly step: string;
  /** Where Lovage's tables are, in the database of the effect. @default 'lovage' */
  readonly schema?: string;
}

const where = 'self.once(pool, step, work)';

/**
 * Runs `work` in a transaction that also marks the step of the task as done: both are committed, or neither. Where it is marked already
 * `work` does not run, and what it returned comes back. One that runs at the same time is waited for. Throws {@link ConfigurationError} for what
 * is no pool, and where the tables are missing; else as `work`, or the database.
 */
export async function once<Pool extends object, T>(
  pool: Pool,
  { taskId, step, schema = 'lovage' }: EffectMark,
  work: (tx: TransactionOf<Pool>) => T | Promise<T>,
): Promise<T> {
  if (typeof step !== 'string' || step === '') throw new ConfigurationError(`${where}: the step is a non-empty string`);
  const table = `${quoteName(schema)}.effects`;
  try {
    return await transact(pool, where, async (tx) => {
      const run = statementsOf(tx, where);
      const mark = `INSERT INTO ${table} (task_id, step) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING step`;
      const fresh = await run(mark, [taskId, step]);
      if (fresh.length === 0) {
        const [done] = await run(`SELECT value FROM ${table} WHERE task_id = $1 AND step = $2`, [taskId, step]);
        return parse(done?.['value']) as T;
      }
      const value = await work(tx as TransactionOf<Pool>);
      const text = toText(value);
      if (text !== undefined)
        await run(`UPDATE ${table} SET value = $3 WHERE task_id = $1 AND step = $2`, [taskId, step, text]);
      return value;
    });
  } catch (error) {
    throw missing(error, schema) ?? error;
  }
}

function toText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function parse(text: unknown): unknown {
  return typeof text === 'string' ? JSON.parse(text) : undefined;
}

/** A table or schema that is not there (42P01, 3F000), by whatever library that says so. */
function missing(error: unknown, schema: string): ConfigurationError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code } = current as { readonly code?: unknown };
    if ((code === '42P01' || code === '3F000') && current.message.includes(`${schema}.effects`))
      return new ConfigurationError(
        `${where}: the table ${schema}.effects is not in this database: run \`lovage db migrate --backend <its URL>\``,
        { cause: error },
      );
  }
  return undefined;
}
