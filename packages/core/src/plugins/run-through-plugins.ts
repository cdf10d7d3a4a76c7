import { PluginError } from '../errors.ts';
import { Ignore, isControlSignal } from '../message/control-signal.ts';
import type { Duration } from '../options/duration.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { PluginTaskOptions } from '../task/task-options.ts';
import type { TaskInfo, TaskRun } from './plugin.ts';
import type { PluginList, RunPlugin } from './plugin-list.ts';

/** Runs `handler` inside the plugins that wrap runs. Throws what the handler throws, a control signal, or {@link PluginError}. */
export function runThroughPlugins(
  plugins: PluginList,
  { context, options }: { readonly context: TaskContext; readonly options: PluginTaskOptions },
  handler: () => unknown,
): Promise<unknown> {
  const failures = new Failures();
  const run = createTaskRun(context, options, failures);
  let next = async (): Promise<unknown> => observed(plugins, run, handler);
  for (const plugin of [...plugins.wrappers].reverse()) {
    const inner = next;
    next = () => wrap(plugin, { run, inner, failures });
  }
  return next();
}

/** Runs the handler of a batch inside the plugins that stand around batches. Resolves with what `handler` does; never rejects unless it does. */
export async function runBatchThroughPlugins<T>(
  plugins: PluginList,
  runs: readonly TaskInfo[],
  handler: () => Promise<T>,
): Promise<T> {
  let ended: Promise<T> | undefined;
  let next = async (): Promise<void> => {
    ended ??= handler();
    await ended.catch(() => undefined);
  };
  for (const plugin of [...plugins.batchWrappers].reverse()) {
    const inner = next;
    const through = async (): Promise<void> => {
      await plugin.batch(runs, inner).catch((error: unknown) => plugins.report(plugin.name, 'batch', error));
      await inner(); // where it did not call it
    };
    let once: Promise<void> | undefined;
    next = () => {
      once ??= through();
      return once;
    };
  }
  await next();
  return ended ?? handler();
}

/** Prerun and postrun stand next to the handler: a plugin that skips the run causes neither. */
async function observed(plugins: PluginList, run: TaskRun, handler: () => unknown): Promise<unknown> {
  plugins.emit('taskPrerun', run);
  try {
    const value = await handler();
    if (plugins.observes('taskPostrun')) plugins.emit('taskPostrun', withOutcome(run, { value }));
    return value;
  } catch (error) {
    if (plugins.observes('taskPostrun')) plugins.emit('taskPostrun', withOutcome(run, { error }));
    throw error;
  }
}

interface Wrapped {
  readonly run: TaskRun;
  readonly inner: () => Promise<unknown>;
  readonly failures: Failures;
}

async function wrap(plugin: RunPlugin, { run, inner, failures }: Wrapped): Promise<unknown> {
  let called = false;
  const next = async (): Promise<unknown> => {
    if (called) throw new Error('next() was called twice');
    called = true;
    try {
      return await inner();
    } catch (error) {
      failures.add(error);
      throw error;
    }
  };
  try {
    return await plugin.run(run, next);
  } catch (error) {
    if (failures.has(error) || isControlSignal(error)) throw error;
    const failure = new PluginError(plugin.name, run.task, { cause: error, taskId: run.id });
    failures.add(failure); // the plugins around it pass it on
    throw failure;
  }
}

/** What counts as the task's own failure: what the handler threw, and what a plugin passed to `fail`. */
class Failures {
  readonly #known = new Set<unknown>();

  add(error: unknown): void {
    this.#known.add(error);
  }

  has(error: unknown): boolean {
    return this.#known.has(error);
  }
}

/** What is known of a task that runs. */
export function taskInfo(context: TaskContext, options: PluginTaskOptions): TaskInfo {
  return {
    id: context.id,
    task: context.name,
    queue: context.queue,
    attempt: context.attempt,
    headers: context.headers,
    stamps: context.stamps,
    options,
    worker: context.worker,
  };
}

function createTaskRun(context: TaskContext, options: PluginTaskOptions, failures: Failures): TaskRun {
  return {
    ...taskInfo(context, options),
    args: context.args,
    eta: context.eta,
    rootId: context.rootId,
    get signal() {
      return context.signal;
    },
    get log() {
      return context.log;
    },
    skip() {
      throw new Ignore();
    },
    retry: (retry: { readonly countdown?: Duration; readonly exc?: unknown } = {}) => context.retry(retry),
    fail(error) {
      failures.add(error);
      throw error;
    },
  };
}

/** A copy by prototype: `signal` and `log` are made only when they are read. */
function withOutcome<Extra extends object>(run: TaskRun, extra: Extra): TaskRun & Extra {
  return Object.assign(Object.create(run) as TaskRun, extra);
}
