import type { AppRuntime } from '../../app/app-runtime.ts';
import { ConfigurationError } from '../../errors.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../task/task.ts';

/** One run of a handler that was watched. */
export interface RecordedRun<Args extends readonly unknown[] = readonly unknown[]> {
  readonly args: Args;
  /** What it returned, once it has. */
  readonly value?: unknown;
  /** What it threw. */
  readonly error?: unknown;
}

/** Watches the runs of a task, of which it may have taken the place. */
export interface TaskSpy<Args extends readonly unknown[] = readonly unknown[]> {
  /** Its runs, in order. */
  readonly runs: readonly RecordedRun<Args>[];
  /** How often it ran. */
  readonly count: number;
  /** Puts the task's own handler back. */
  restore(): void;
}

/**
 * Puts a handler in the place of a task's: `replacement` of its arguments, or its own, and records each run. A task of another service
 * (`app.remote`, or a name alone) gets one. Throws {@link ConfigurationError}.
 */
export function spyOn({ registry }: AppRuntime, name: string, replacement: Handler | undefined): TaskSpy {
  const found = registry.get(name);
  if (replacement === undefined && found?.handler === undefined)
    throw new ConfigurationError(`testApp: task "${name}" has no handler in this app to watch: fake it`);
  if (found?.batch && replacement === undefined)
    throw new ConfigurationError(
      `testApp: batch task "${name}" cannot be watched: fake it, which makes it a task of one call`,
    );
  const runs: RecordedRun[] = [];
  const definition = found ?? defineTask(name, replacement);
  const bound = definition.options.bind === true && definition.batch === undefined;
  const inner = replacement ?? (definition.handler as Handler);
  const handler: Handler = (...given) => {
    const args = bound ? given.slice(1) : given;
    return record(runs, args, () => (replacement ? inner(...args) : inner(...given)));
  };
  const { batch: _batch, ...rest } = definition;
  put(registry, { ...rest, handler });
  return {
    runs,
    get count() {
      return runs.length;
    },
    restore: () => put(registry, found ?? defineTask(name)),
  };
}

function put(registry: AppRuntime['registry'], definition: TaskDefinition): void {
  if (registry.get(definition.name)) registry.replace(definition);
  else registry.add(definition);
}

function record(runs: RecordedRun[], args: readonly unknown[], run: () => unknown): unknown {
  const index = runs.push({ args }) - 1;
  const ended = (end: Partial<RecordedRun>): void => {
    runs[index] = { args, ...end };
  };
  const failed = (error: unknown): never => {
    ended({ error });
    throw error;
  };
  let value: unknown;
  try {
    value = run();
  } catch (error) {
    return failed(error);
  }
  if (value instanceof Promise) {
    return value.then((late: unknown) => {
      ended({ value: late });
      return late;
    }, failed);
  }
  ended({ value });
  return value;
}
