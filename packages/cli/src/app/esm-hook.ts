import { readFile } from 'node:fs/promises';
import type { ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * A loader hook over tsx's: TypeScript with `import` and `export` is an ES module, whatever the nearest package.json
 * says. Without it tsx loads such a file of a CommonJS package (`npm init -y` makes one) by `require`, and the `lovage`
 * that it gets is another copy than the CLI's.
 */
export const resolve: ResolveHook = async (specifier, context, next) => {
  const found = await next(specifier, context);
  if (found.format === 'module' || !/^file:.*(?<!\.d)\.tsx?(?:[?#]|$)/.test(found.url)) return found;
  if (found.url.includes('/node_modules/')) return found;
  const source = await readFile(fileURLToPath(found.url), 'utf8').catch(() => ''); // whoever loads it says so better
  return /^[^\S\n]*(?:import|export)\b/m.test(source) ? { ...found, format: 'module' } : found;
};
