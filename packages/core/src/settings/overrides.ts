import type { Logger } from '../logger.ts';

/**
 * Settings that stand above the constructor: the CLI's flags and a config file. The CLI puts them here before it loads
 * the app's module, since the app is made inside it. Kept on the global object, so that two copies of core agree.
 */
export interface Overrides {
  /** By setting path, as in `worker.concurrency`. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly file: Readonly<Record<string, unknown>>;
  /** The config file's name, for `config --explain`. */
  readonly fileName?: string;
  /** Where log lines go when the app was given no logger of its own. */
  readonly logger?: Logger;
}

const key = Symbol.for('lovage.overrides');

/** For the CLI: call before the app's module is loaded. */
export function setOverrides(overrides: Overrides): void {
  (globalThis as Record<symbol, unknown>)[key] = overrides;
}

export function readOverrides(): Overrides {
  return ((globalThis as Record<symbol, unknown>)[key] as Overrides | undefined) ?? { flags: {}, file: {} };
}
