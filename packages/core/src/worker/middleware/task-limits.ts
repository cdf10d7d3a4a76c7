/** Time limits of one task, in milliseconds, set live by `control time-limit`. */
export interface LimitPair {
  readonly soft?: number;
  readonly hard?: number;
}

/** Time limits that were changed live, by task: over the task's own options, under those of the call. */
export class TaskLimits {
  readonly #limits = new Map<string, LimitPair>();

  set(task: string, limits: LimitPair): void {
    this.#limits.set(task, limits);
  }

  get(task: string): LimitPair | undefined {
    return this.#limits.size === 0 ? undefined : this.#limits.get(task);
  }
}
