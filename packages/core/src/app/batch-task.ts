import { ConfigurationError } from '../errors.ts';
import type { OptionTable } from '../options/option-reader.ts';
import { type BatchHandler, type BatchOptions, readBatch, runBatch } from '../task/batch.ts';
import { defineTask, type TaskDefinition } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { TaskOptions } from '../task/task-options.ts';

/** Options of {@link Lovage.batchTask}. Its handler always runs on the worker's event loop. */
export interface BatchTaskOptions extends Omit<TaskOptions, 'bind' | 'pool'>, BatchOptions {}

/** The definition of a batch task. Called in process, and where there is nothing to wait for, it is a batch of one. */
export function defineBatchTask(given: BatchTaskOptions, handler: BatchHandler, plugins: OptionTable): TaskDefinition {
  if (typeof given !== 'object' || given === null) {
    throw new ConfigurationError('app.batchTask: the first parameter is an object with a name, a size, and options');
  }
  const { size, wait, ...options } = given;
  const where = typeof given.name === 'string' ? `task "${given.name}"` : 'app.batchTask';
  for (const name of ['bind', 'pool']) {
    if (name in options) throw new ConfigurationError(`${where}: a batch task has no option ${name}`);
  }
  const batch = readBatch({ size, ...(wait === undefined ? {} : { wait }) }, handler, where);
  const alone = async (self: TaskContext, ...args: readonly unknown[]): Promise<unknown> => {
    const [end] = await runBatch(batch, [{ args, self }]);
    if (end && 'thrown' in end) throw end.thrown;
    return end?.value;
  };
  return { ...defineTask({ ...options, bind: true, pool: 'async' }, alone, plugins), batch };
}
