import { DuplicateTaskError } from '../errors.ts';
import type { PayloadOwner } from '../message/payload-codec.ts';
import { closestName, type OptionTable } from '../options/option-reader.ts';
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

/** The tasks of one app: the only way from a name on the wire to code. */
export class TaskRegistry {
  readonly #definitions = new Map<string, TaskDefinition>();
  #limited = false;

  /** Throws {@link DuplicateTaskError}: a second handler under one name would hide the first. */
  add(definition: TaskDefinition): void {
    if (this.#definitions.has(definition.name)) throw new DuplicateTaskError(definition.name);
    this.#definitions.set(definition.name, definition);
    if (definition.options.rateLimit) this.#limited = true;
  }

  /** Whether any task has a rate limit. */
  get limited(): boolean {
    return this.#limited;
  }

  /** Gives a handler to a definition that has none (a decorated method meets its instance). */
  bind(name: string, handler: Handler): TaskDefinition {
    const definition = this.#definitions.get(name);
    if (definition === undefined || definition.handler !== undefined) throw new DuplicateTaskError(name);
    const bound = { ...definition, handler };
    this.#definitions.set(name, bound);
    return bound;
  }

  /** Puts a definition in the place of one of the same name: another version of a workflow. */
  replace(definition: TaskDefinition): void {
    this.#definitions.set(definition.name, definition);
  }

  get(name: string): TaskDefinition | undefined {
    return this.#definitions.get(name);
  }

  /** All names, sorted. */
  names(): readonly string[] {
    return [...this.#definitions.keys()].sort();
  }

  /** The known name nearest to a mistyped one. */
  closest(name: string): string | undefined {
    return closestName(name, this.names());
  }
}
