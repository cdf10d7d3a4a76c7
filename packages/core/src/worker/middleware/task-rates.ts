import type { Rate } from '../../options/duration.ts';
import type { TaskDefinition } from '../../task/task.ts';

/** Rate limits by task: the task's own, or what `control rate-limit` set since. */
export class TaskRates {
  readonly #changed = new Map<string, Rate | undefined>();

  /** Told of each task whose limit was changed. */
  onChange: (task: string) => void = () => {};

  /** undefined lifts the limit. */
  set(task: string, rate: Rate | undefined): void {
    this.#changed.set(task, rate);
    this.onChange(task);
  }

  of({ name, options }: TaskDefinition): Rate | undefined {
    return this.#changed.has(name) ? this.#changed.get(name) : options.rateLimit;
  }
}
