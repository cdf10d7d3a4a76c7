import { usageError } from '../exit-code.ts';

/** A whole number from `least`. */
export function readCount(text: string, name: string, least = 1): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw usageError(`${name}: expected a whole number from ${least}, received "${text}"`);
}
