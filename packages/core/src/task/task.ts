import type { PayloadOwner } from '../message/payload-codec.ts';
import type { OptionTable } from '../options/option-reader.ts';
import { createSchemaCodec } from '../options/schema.ts';
import type { Batch } from './batch.ts';
import { type ResolvedTaskOptions, resolveTaskOptions, type TaskOptions } from './task-options.ts';

/** A registered handler: with `bind` its first parameter is the {@link TaskContext}. */
// biome-ignore lint/suspicious/noExplicitAny: handlers of every shape are kept in one registry; their types live in Task<Args, Result>
export type Handler = (...args: any[]) => unknown;

/** What an app knows of one task. A definition without a handler can be called but not run (a stub, an unbound method). */
export interface TaskDefinition {
  readonly name: string;
  readonly options: ResolvedTaskOptions;
  /** Encodes and decodes arguments and return values by the task's schemas. */
  readonly payload: PayloadOwner;
  readonly handler?: Handler;
  /** It runs several calls at once. */
  readonly batch?: Batch;
  /** The code for each version that messages may carry; a worker without a message's version hands it back. Of workflows. */
  readonly versions?: ReadonlyMap<string, TaskDefinition>;
}

/** Reads the options, those of the app's plugins too, and makes the definition. Throws {@link ConfigurationError}. */
export function defineTask(given: string | TaskOptions, handler?: Handler, plugins?: OptionTable): TaskDefinition {
  const { name, args, kwargs, returns, options } = resolveTaskOptions(given, plugins);
  return {
    name,
    options,
    payload: {
      name,
      args: args && createSchemaCodec(args),
      ...(kwargs ? { kwargs: createSchemaCodec(kwargs) } : {}),
      returns: returns && createSchemaCodec(returns),
    },
    ...(handler ? { handler } : {}),
  };
}

/** The definition for a message of that version; undefined where this process has no code for it. */
export function versionOf(definition: TaskDefinition, version: string | undefined): TaskDefinition | undefined {
  if (definition.versions === undefined || version === undefined) return definition;
  return definition.versions.get(version);
}
