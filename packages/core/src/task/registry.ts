import { DuplicateTaskError } from '../errors.ts';
import { closestName } from '../options/option-reader.ts';
import type { Handler, TaskDefinition } from './task.ts';

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
