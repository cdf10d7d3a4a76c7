/** One thing that was looked at. */
export interface Finding {
  /** What: `eviction`, `clock`. */
  readonly check: string;
  /** `problem`: tasks are lost, or stand still. `warning`: they may be. */
  readonly state: 'ok' | 'warning' | 'problem';
  /** How it is, as a sentence. */
  readonly message: string;
  /** What to do; not for what is well. */
  readonly fix?: string;
}
