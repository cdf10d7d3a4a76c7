import { ConfigurationError } from '../errors.ts';
import { parseDuration, parseSize } from '../options/duration.ts';
import { limits } from '../options/limits.ts';
import { type Reader, wholeNumber } from '../options/option-reader.ts';

/** How one setting is read, its default, and its environment variable. */
export interface SettingRule {
  readonly read: Reader<unknown>;
  readonly fallback?: unknown;
  readonly env?: string;
}

/** A count, also as the text of a flag or variable. */
export const count =
  (min: number, max?: number): Reader<number> =>
  (value, where) =>
    wholeNumber(min, max)(typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value, where);

export const positiveDuration: Reader<number> = (value, where) => {
  const ms = parseDuration(value, where);
  if (ms > 0) return ms;
  throw new ConfigurationError(`${where}: must be longer than zero`);
};

/** The size of one payload: no larger than what the other side reads. */
export const payloadSize: Reader<number> = (value, where) => {
  const bytes = parseSize(value, where);
  if (bytes <= limits.payloadBytes) return bytes;
  throw new ConfigurationError(
    `${where}: expected at most ${limits.payloadBytes / 1_048_576} MiB, received ${bytes} bytes: keep larger data elsewhere and send where they are`,
  );
};
