import { readdirSync } from 'node:fs';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { ConfigurationError } from '../errors.ts';

/** Files that an app does not mean by a pattern. */
const left = /\.d\.[cm]?ts$|\.(?:test|spec|test-d)\.[cm]?[jt]sx?$/;
const script = /\.[cm]?[jt]sx?$/;

/**
 * The modules that an app's `include` names, sorted, by patterns relative to the app's own module: `*` stands for part of a name, `**` for
 * folders. Where the app was compiled, a pattern for TypeScript means the JavaScript that was made of it. Declarations, tests and
 * the app's module are left out. Throws {@link ConfigurationError} for a pattern that names nothing.
 */
export function includedModules(file: string, patterns: readonly string[]): readonly string[] {
  const found = new Set(patterns.flatMap((pattern) => matches(file, pattern)));
  return [...found].sort();
}

function matches(file: string, given: string): readonly string[] {
  const base = dirname(file);
  const pattern = compiledName(given, extname(file));
  const fits = toRegExp(resolve(base, pattern).split(sep).join('/'));
  const fixed = resolve(base, fixedPart(pattern));
  const files = listFiles(fixed).filter((path) => script.test(path) && !left.test(path));
  const found = files.filter((path) => fits.test(path.split(sep).join('/')));
  if (found.length === 0)
    throw new ConfigurationError(
      `app ${file}: include "${given}" names no module (looked in ${relative(process.cwd(), fixed) || '.'})`,
    );
  return found.filter((path) => path !== file);
}

/** `./tasks/*.ts` of an app that runs as `app.js`. */
function compiledName(pattern: string, extension: string): string {
  return /^\.[cm]?js$/.test(extension) ? pattern.replace(/\.([cm]?)tsx?$/, '.$1js') : pattern;
}

/** The folders before the first star. */
function fixedPart(pattern: string): string {
  const parts = pattern.split('/');
  const star = parts.findIndex((part) => part.includes('*'));
  return star < 0 ? dirname(pattern) : parts.slice(0, star).join('/') || '.';
}

function listFiles(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listFiles(path);
      return [path];
    });
  } catch {
    return []; // a folder that is not there has no modules
  }
}

function toRegExp(pattern: string): RegExp {
  const text = pattern
    .split(/(\*\*\/|\*\*|\*)/)
    .map((part) => {
      if (part === '**/') return '(?:[^/]+/)*';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${text}$`);
}
