import { createRequire, register } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandError } from '../exit-code.ts';
import { needsCompiler } from './typescript-needs.ts';

/** What a module exports. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/**
 * Imports a user's module into this process's own module graph, so that its `lovage` is ours. TypeScript goes through
 * Node's type stripping where that can serve, else through tsx. Throws a {@link CommandError} (70) when tsx is missing,
 * and whatever the module throws.
 */
export async function importModule(file: string): Promise<ModuleExports> {
  if (/\.[cm]?tsx?$/.test(file) && !(stripsTypes() && !needsCompiler(file))) await startTsx(file);
  return (await import(pathToFileURL(file).href)) as ModuleExports;
}

/** Node 22.18 and later, unless switched off. */
function stripsTypes(): boolean {
  return Boolean((process.features as { readonly typescript?: string | false }).typescript);
}

interface TsxApi {
  register(): unknown;
}

let started = false;

/** Once a process: tsx's hooks for all later imports, and ours over them (see esm-hook.ts). */
async function startTsx(file: string): Promise<void> {
  if (started) return;
  const { register: registerTsx } = await importTsx(file);
  registerTsx();
  register(new URL(import.meta.url.endsWith('.ts') ? './esm-hook.ts' : './esm-hook.js', import.meta.url));
  started = true;
}

/** tsx as installed beside the module, in the working directory's project, or with the CLI. */
async function importTsx(file: string): Promise<TsxApi> {
  for (const base of [file, join(process.cwd(), 'package.json'), import.meta.filename]) {
    const api = locateTsx(base);
    if (api !== undefined) return (await import(pathToFileURL(api).href)) as TsxApi;
  }
  throw new CommandError(`${file}: decorators and TypeScript need tsx here: npm install -D tsx`, { exitCode: 70 });
}

/**
 * tsx's ESM API. `require.resolve('tsx/esm/api')` would give its CommonJS twin, which on Node 20 looks for its hooks in
 * the wrong folder.
 */
function locateTsx(base: string): string | undefined {
  const require = createRequire(base);
  try {
    const manifest = require.resolve('tsx/package.json');
    const { exports } = require(manifest) as { exports?: Record<string, { import?: { default?: string } }> };
    const path = exports?.['./esm/api']?.import?.default;
    return path === undefined ? undefined : join(dirname(manifest), path);
  } catch {
    return undefined; // not installed there
  }
}
