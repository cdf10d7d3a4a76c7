import { parseDuration } from '@lovage/core/driver';
import { usageError } from '../exit-code.ts';

/** Milliseconds of a flag such as `--timeout 30s`; undefined when it was not given. A number without a unit is refused: people mean seconds by it, and core milliseconds. */
export function readDuration(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && text !== '0')
    throw usageError(`${flag}: "${text}" has no unit: write ${text}s or ${text}ms`);
  return parseDuration(text, flag);
}
