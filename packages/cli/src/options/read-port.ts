import { usageError } from '../exit-code.ts';

/** A port of TCP; 0 stands for any that is free, where one listens. */
export function readPort(text: string, flag: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw usageError(`${flag}: expected a port, 0 to 65535, received "${text}"`);
}
