import { usageError } from '../../../exit-code.ts';
import { readCount } from '../../../options/read-count.ts';

/** More than any machine has use for: a wrong number is not to fill one. */
const mostProcesses = 256;

/** How many processes are asked for. Throws for what cannot be, and for a name that several processes would share. */
export function readProcesses(text = '1', name?: string): number {
  const count = readCount(text, '--processes');
  if (count > mostProcesses)
    throw usageError(`--processes: expected a whole number from 1 to ${mostProcesses}, received "${text}"`);
  if (count > 1 && name !== undefined && !/%[ip]/.test(name)) {
    throw usageError(
      `--name: with --processes each process needs a name of its own: add %i (its number) or %p (its process id), as in ${name}-%i`,
    );
  }
  return count;
}
