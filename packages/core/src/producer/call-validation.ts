import { ConfigurationError } from '../errors.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { CallOptions } from './call-options.ts';

/** Throws {@link ConfigurationError} for options that one call alone can have. */
export function assertForMany(given: CallOptions | undefined, { name }: TaskDefinition): void {
  for (const option of ['taskId', 'idempotencyKey', 'link', 'linkError'] as const) {
    if (given?.[option] === undefined) continue;
    throw new ConfigurationError(
      `delayMany of "${name}": option ${option} is of one call: send each with applyAsync, or a group of signatures`,
    );
  }
}

/** A unique task in a canvas. */
export function uniqueInCanvas({ name }: TaskDefinition): ConfigurationError {
  return new ConfigurationError(
    `task "${name}" is unique (unique, debounce or throttle), so it cannot be part of a canvas or have links: ` +
      'the others wait for an outcome of its own. Send it from one of them, or give the signature .set({ unique: false })',
  );
}

/** A task that is let in by its turn, many calls of which would be one attempt. */
export function severalInOne({ name }: TaskDefinition): ConfigurationError {
  return new ConfigurationError(
    `task "${name}": map, starmap and chunks run many calls in one attempt, and concurrency, orderingKey and fairness ` +
      'count each call: use a group, or delayMany',
  );
}
