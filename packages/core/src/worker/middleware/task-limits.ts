/** Time limits of one task, in milliseconds, set live by `control time-limit`. */
export interface LimitPair {
  readonly soft?: number;
  readonly hard?: number;
}

/** Time limits that were changed live, by task: over the task's own options, under those of the call. */
export class TaskLimits {
  /** By task; nearly always none. */
  readonly changed: Map<string, LimitPair> = new Map();

  set(task: string, limits: LimitPair): void {
    this.changed.set(task, limits);
  }
}
