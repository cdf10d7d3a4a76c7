import { NotSupportedError } from '../errors.ts';
import type { Once } from '../task/transaction.ts';
import { loadDriverModule } from './driver-loaders.ts';

const postgres = '@lovage/postgres';

interface Effects {
  once(pool: object, mark: { taskId: string; step: string; schema: string }, work: unknown): Promise<never>;
}

/** `self.once` of a task, by the package that knows PostgreSQL. */
export function createOnce(taskId: string, prefix: string | undefined): Once {
  return async (pool, step, work, options) => {
    const { once } = (await loadPostgres('self.once')) as Effects;
    return once(pool, { taskId, step, schema: options?.schema ?? prefix ?? 'lovage' }, work);
  };
}

/** The package `@lovage/postgres`. Throws {@link NotSupportedError} that says what needs it. */
export async function loadPostgres(what: string): Promise<object> {
  try {
    return await loadDriverModule(postgres);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new NotSupportedError(`${what} needs the package ${postgres}: npm install ${postgres}`, { cause: error });
  }
}
