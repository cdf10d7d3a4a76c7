import type { JsonValue } from '../../message/json.ts';
import { assertJson, decodeArgs, encodeResult, type SizeLimit } from '../../message/payload-codec.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { PluginList } from '../../plugins/plugin-list.ts';
import { runThroughPlugins } from '../../plugins/run-through-plugins.ts';
import type { Handler } from '../../task/task.ts';
import { runAsTask } from '../../task/task-context.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { Pool } from '../pool/pool.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

/** What running a handler needs. */
export interface HandlerTools {
  readonly maxResult: SizeLimit;
  readonly plugins: PluginList;
}

/**
 * The innermost step: arguments decoded, handler run within its context, return value encoded. Throws what it throws. What
 * needs no waiting is not waited for: a promise costs 0.5 µs in a process that uses AsyncLocalStorage, as every worker does.
 */
export function runHandler(attempt: Attempt, tools: HandlerTools): MaybePromise<AttemptResult> {
  const { message } = attempt;
  if (message.canvas?.each) return runEach(attempt, tools);
  const result = runOnce(attempt, message.args, tools);
  return result instanceof Promise ? result.then((value) => success(attempt, value)) : success(attempt, result);
}

function success({ context }: Attempt, result: JsonValue | undefined): AttemptResult {
  if (context.added > 0)
    return { state: 'SUCCESS', ...(result === undefined ? {} : { value: result }), added: context.added };
  return result === undefined ? { state: 'SUCCESS' } : { state: 'SUCCESS', value: result };
}

function runOnce(
  attempt: Attempt,
  wire: readonly JsonValue[],
  tools: HandlerTools,
): MaybePromise<JsonValue | undefined> {
  const decoded = decodeArgs(attempt.definition.payload, wire, attempt.message.id);
  if (decoded instanceof Promise) return decoded.then((args) => call(attempt, args, tools));
  return call(attempt, decoded, tools);
}

function call(
  { definition, context }: Attempt,
  args: readonly unknown[],
  { maxResult, plugins }: HandlerTools,
): MaybePromise<JsonValue | undefined> {
  const { payload, options } = definition;
  const handler = definition.handler as Handler; // the executor releases tasks without one
  const run = () => (options.bind ? handler(context, ...args) : handler(...args));
  const value = runAsTask(
    context,
    plugins.wrapsRuns && definition.batch === undefined
      ? () => runThroughPlugins(plugins, { context, options: options.plugin }, run)
      : run,
  );
  if (!isThenable(value)) return encodeResult(payload, value, maxResult);
  return Promise.resolve(value).then((settled) => encodeResult(payload, settled, maxResult));
}

/** As `await` sees it. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** `map` and `starmap`: one attempt runs the handler for each list of arguments, in order. */
async function runEach(attempt: Attempt, tools: HandlerTools): Promise<AttemptResult> {
  const values: JsonValue[] = [];
  for (const wire of attempt.message.args) {
    values.push((await runOnce(attempt, wire as readonly JsonValue[], tools)) ?? null);
  }
  assertJson(values, 'return value', tools.maxResult, 'the values of a map');
  return { state: 'SUCCESS', value: values, each: true };
}

/**
 * Handlers on the worker's own event loop. JavaScript cannot be stopped from outside: an attempt that is broken off frees its
 * slot at once, and what its handler still does has no effect on the task.
 */
export class AsyncPool implements Pool {
  readonly #handle: (attempt: Attempt) => MaybePromise<AttemptResult>;
  readonly #loop: Pick<LoopWatch, 'enter' | 'leave'>;

  /** `handle` runs the handler and never throws or rejects; `loop` is told whose turn it is. */
  constructor(handle: (attempt: Attempt) => MaybePromise<AttemptResult>, loop: Pick<LoopWatch, 'enter' | 'leave'>) {
    this.#handle = handle;
    this.#loop = loop;
  }

  run(attempt: Attempt): MaybePromise<AttemptResult> {
    attempt.onBegin?.();
    this.#loop.enter(attempt.message, attempt.context.limitSlot);
    const result = this.#handle(attempt);
    this.#loop.leave();
    if (!(result instanceof Promise)) return result;
    return new Promise((resolve) => {
      attempt.context.onInterrupt(resolve);
      void result.then(resolve); // never rejects
    });
  }

  setSize(): void {}

  async close(): Promise<void> {}
}
