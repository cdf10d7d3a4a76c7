import { ConfigurationError } from '../errors.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { type Reader, wholeNumber } from '../options/option-reader.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { RetryOptions, TaskContext } from './task-context.ts';

/** One task of a batch, as the handler sees it. */
export interface BatchItem<Args extends readonly unknown[] = readonly unknown[]> {
  /** The task's id. */
  readonly id: string;
  readonly args: Args;
  /** The task's own context: its retries, headers, signal, progress. */
  readonly self: TaskContext;
  /** Ends this task alone as if its handler had thrown `error`: it fails, or is retried by its `autoretryFor`. */
  fail(error: unknown): void;
  /** Runs this task alone again later, as `self.retry()` does, and throws nothing. */
  retry(options?: RetryOptions): void;
}

/** What a batch handler returns: a value per item, in order, an `Error` where one failed; nothing where there are no values. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement
export type BatchValues<Value> = MaybePromise<readonly (Value | Error)[] | void>;

/** Runs tasks together. What it throws is thrown by every item that has not ended by itself. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of every shape are kept in one registry; their types live in Task<Args, Result>
export type BatchHandler = (items: readonly BatchItem<any>[]) => BatchValues<unknown>;

/** Options of a batch task beside those of every task. */
export interface BatchOptions {
  /** How many items the handler gets at most. */
  readonly size: number;
  /** How long the first one waits for others. @default '1s' */
  readonly wait?: Duration;
}

/** A task whose handler runs several calls at once. */
export interface Batch {
  readonly size: number;
  /** Milliseconds. */
  readonly wait: number;
  readonly handler: BatchHandler;
}

/** How one item ended: with a value, or as if its handler had thrown. */
export type BatchEnd = { readonly value: unknown } | { readonly thrown: unknown };

/** A handler is given so many items at most: each is a delivery that its worker holds. */
const largest = 10_000;

const size: Reader<number> = wholeNumber(1, largest);

/** Reads the options. Throws {@link ConfigurationError}. */
export function readBatch({ size: most, wait = 1_000 }: BatchOptions, handler: BatchHandler, where: string): Batch {
  if (typeof handler !== 'function') {
    throw new ConfigurationError(`${where}: app.batchTask(options, handler): the handler is a function of the items`);
  }
  return {
    size: size(most, `${where}: option size`),
    wait: parseDuration(wait, `${where}: option wait`),
    handler,
  };
}

/** What an item is made of. */
export interface BatchEntry {
  readonly args: readonly unknown[];
  readonly self: TaskContext;
}

/** Runs the handler once for these, and tells how each ended. Never rejects. */
export async function runBatch(
  { handler }: Pick<Batch, 'handler'>,
  entries: readonly BatchEntry[],
): Promise<BatchEnd[]> {
  const own: (BatchEnd | undefined)[] = entries.map(() => undefined);
  const items = entries.map(({ args, self }, index) =>
    createItem({ args, self }, (thrown) => {
      own[index] ??= { thrown };
    }),
  );
  const shared = await valuesOf(handler, items);
  return entries.map(
    (_, index) => own[index] ?? (shared.values ? endOf(shared.values[index]) : { thrown: shared.thrown }),
  );
}

function createItem({ args, self }: BatchEntry, end: (thrown: unknown) => void): BatchItem {
  return {
    id: self.id,
    args,
    self,
    fail: end,
    retry(options) {
      try {
        self.retry(options);
      } catch (signal) {
        end(signal);
      }
    },
  };
}

type Shared = { readonly values: readonly unknown[] } | { readonly values?: undefined; readonly thrown: unknown };

async function valuesOf(handler: BatchHandler, items: readonly BatchItem[]): Promise<Shared> {
  try {
    const values: unknown = await handler(items);
    if (values === undefined) return { values: [] };
    if (Array.isArray(values) && values.length === items.length) return { values };
    const what = Array.isArray(values) ? `a list of ${values.length}` : typeof values;
    return {
      thrown: new TypeError(`the handler of a batch of ${items.length} returned ${what}: expected a value per item`),
    };
  } catch (thrown) {
    return { thrown };
  }
}

function endOf(value: unknown): BatchEnd {
  return value instanceof Error ? { thrown: value } : { value };
}
