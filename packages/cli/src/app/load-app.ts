import { relative } from 'node:path';
import { Lovage } from '@lovage/core';
import { closestName } from '@lovage/core/driver';
import { includedModules } from '@lovage/core/worker';
import { CommandError, codeOf } from '../exit-code.ts';
import { messageOf, oneLine } from '../output/print.ts';
import { locationOf } from '../output/stack-frames.ts';
import type { AppLocation } from './find-app.ts';
import { importModule, type ModuleExports } from './import-module.ts';

/** A module was loaded and holds no app. */
export class NoAppError extends CommandError {}

/** Loads the module and finds its app. Throws a {@link CommandError} (70) that says in one sentence why there is none. */
export async function loadApp(location: AppLocation): Promise<Lovage> {
  const app = pickApp(await load(location), location);
  for (const file of includedModules(location.file, app.include)) {
    await load({ ...location, file, shown: relative(process.cwd(), file) });
  }
  return app;
}

async function load({ file, shown }: AppLocation): Promise<ModuleExports> {
  try {
    return await importModule(file);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    // A broker URL that cannot be is a matter of usage, wherever it stands.
    if (codeOf(error) === 'BROKER_UNKNOWN_SCHEME' || codeOf(error) === 'BROKER_URL') throw error;
    const name = error instanceof Error ? error.name : 'thrown';
    const place = locationOf(error);
    const message = `app ${shown} does not load: ${name}: ${oneLine(messageOf(error))}${place ? ` (${place})` : ''}`;
    throw new CommandError(message, { exitCode: 70, cause: error });
  }
}

/** The app among a module's exports: the one that was named, the default one, `app`, or the only one. */
export function pickApp(loaded: ModuleExports, location: AppLocation): Lovage {
  const exports = flatten(loaded);
  const { exportName, shown } = location;
  if (exportName !== undefined) return namedApp(exports, exportName, shown);
  for (const name of ['default', 'app']) {
    const value = exports[name];
    if (value instanceof Lovage) return value;
  }
  const apps = Object.entries(exports).filter((entry): entry is [string, Lovage] => entry[1] instanceof Lovage);
  const [first] = apps;
  if (first === undefined) throw new NoAppError(explainNoApp(exports, shown), { exitCode: 70 });
  if (apps.every(([, app]) => app === first[1])) return first[1];
  const names = apps.map(([name]) => name);
  throw new CommandError(
    `app ${shown} exports several apps (${names.join(', ')}): name one, as in -A ${shown}:${names[0]}`,
    { exitCode: 70 },
  );
}

function namedApp(exports: ModuleExports, name: string, shown: string): Lovage {
  const value = exports[name];
  if (value instanceof Lovage) return value;
  if (isForeignApp(value)) throw new CommandError(foreignApp(shown), { exitCode: 70 });
  if (name in exports)
    throw new CommandError(`app ${shown}: its export "${name}" is not a Lovage app`, { exitCode: 70 });
  const closest = closestName(name, Object.keys(exports));
  throw new CommandError(
    `app ${shown} has no export "${name}"${closest ? `: did you mean "${closest}"?` : ` (${listNames(exports)})`}`,
    { exitCode: 70 },
  );
}

function explainNoApp(exports: ModuleExports, shown: string): string {
  if (Object.values(exports).some(isForeignApp)) return foreignApp(shown);
  return `app ${shown} exports no Lovage app: export it as "app" or by default (${listNames(exports)})`;
}

function foreignApp(shown: string): string {
  return `app ${shown} was made by another copy of lovage than this command: run the one of its own project (npx lovage)`;
}

function listNames(exports: ModuleExports): string {
  const names = Object.keys(exports);
  return names.length > 0 ? `it exports ${names.join(', ')}` : 'it exports nothing';
}

/** A CommonJS module's exports arrive under `default`. */
function flatten(loaded: ModuleExports): ModuleExports {
  const inner = loaded['default'];
  const isPlainObject = typeof inner === 'object' && inner !== null && !(inner instanceof Lovage);
  return isPlainObject ? { ...inner, ...loaded } : loaded;
}

function isForeignApp(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Lovage) return false;
  return value.constructor?.name === 'Lovage' && 'asyncResult' in value;
}
