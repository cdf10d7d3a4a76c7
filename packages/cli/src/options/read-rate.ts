import { usageError } from '../exit-code.ts';

/** A rate such as `10/s`; a number means per second. undefined when it was not given. */
export function readRate(text: string | undefined, what: string): string | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)(\/[smhd])?$/.exec(text);
  if (match === null || Number(match[1]) === 0)
    throw usageError(`${what}: "${text}" is not a rate: write 10/s, 100/m or 5/h`);
  return `${match[1]}${match[2] ?? '/s'}`;
}
