import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../errors.ts';

/** A program of a thread or process that the worker starts. */
export interface ProgramFile {
  /** What it is, for errors. */
  readonly what: string;
  /** The option of `startWorker` that gives its file, and the module that a bundle must have as an entry for it. */
  readonly option: string;
  readonly entry: string;
  /** Compiled, from the folder `dist` of this package: threads load no TypeScript of ours. */
  readonly file: string;
  /** What else one can do, for the error. */
  readonly otherwise: string;
}

/**
 * The URL of a program: the one that was given, or the file of this package. Throws {@link ConfigurationError} when it is not
 * there, as in a program that was bundled into one file. Not read when this module loads: a CommonJS bundle has no
 * `import.meta.url`, and a program that only publishes needs none.
 */
export function findProgram(program: ProgramFile, given: string | URL | undefined): URL {
  const url = given === undefined ? besideUs(program.file) : toUrl(given, program.option);
  if (url !== undefined && (url.protocol !== 'file:' || existsSync(fileURLToPath(url)))) return url;
  const where = url === undefined ? 'its file is not known' : `${fileURLToPath(url)} does not exist`;
  throw new ConfigurationError(
    `${program.what} cannot start: ${where}. In a bundled program, bundle ${program.entry} as an entry of its own and give ` +
      `startWorker its URL as option ${program.option}${program.otherwise}`,
  );
}

function besideUs(file: string): URL | undefined {
  const here: string | undefined = import.meta.url; // undefined in a CommonJS bundle
  if (!here) return undefined;
  return new URL(here.endsWith('.ts') ? `../../dist/${file}` : `../${file}`, here);
}

function toUrl(given: string | URL, option: string): URL {
  try {
    return new URL(given);
  } catch (cause) {
    throw new ConfigurationError(
      `startWorker: ${option}: expected a URL such as new URL('./thread.js', import.meta.url), received "${String(given)}"`,
      { cause },
    );
  }
}
