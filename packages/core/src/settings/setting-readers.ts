import { ConfigurationError } from '../errors.ts';
import { parseDuration } from '../options/duration.ts';
import { type Reader, wholeNumber } from '../options/option-reader.ts';

/** How one setting is read, its default, and its environment variable. */
export interface SettingRule {
  readonly read: Reader<unknown>;
  readonly fallback?: unknown;
  readonly env?: string;
}

/** A count, also as the text of a flag or variable. */
export const count =
  (min: number): Reader<number> =>
  (value, where) =>
    wholeNumber(min)(typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value, where);

export const positiveDuration: Reader<number> = (value, where) => {
  const ms = parseDuration(value, where);
  if (ms > 0) return ms;
  throw new ConfigurationError(`${where}: must be longer than zero`);
};
