import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { closestName } from '@lovage/core/driver';
import { usageError } from '../exit-code.ts';
import { messageOf, oneLine } from '../output/print.ts';
import { importModule } from './import-module.ts';

/** What a config file says. */
export interface ConfigFile {
  /** Its name, for `config --explain`. */
  readonly name: string;
  /** By setting path, as in `worker.concurrency`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The app's module, as `-A` takes it. */
  readonly app?: string;
}

const names = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `lovage.config.${extension}`);

/** Reads `lovage.config.*` of a folder; undefined when there is none. Throws a usage error for a setting not among `known`. */
export async function readConfigFile(folder: string, known: readonly string[]): Promise<ConfigFile | undefined> {
  const name = names.find((candidate) => existsSync(join(folder, candidate)));
  if (name === undefined) return undefined;
  const { app, ...settings } = flattenSettings(await load(join(folder, name), name), known, name);
  if (app !== undefined && typeof app !== 'string') throw usageError(`${name}: app is a path, as in './src/tasks.ts'`);
  return { name, settings, ...(app === undefined ? {} : { app }) };
}

async function load(file: string, name: string): Promise<object> {
  let found: unknown;
  try {
    found = name.endsWith('.json') ? JSON.parse(readFileSync(file, 'utf8')) : pickConfig(await importModule(file));
  } catch (error) {
    throw usageError(`${name} does not load: ${oneLine(messageOf(error))}`, { cause: error });
  }
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found;
  throw usageError(`${name} exports no settings: export an object by default or as "config"`);
}

function pickConfig(loaded: Readonly<Record<string, unknown>>): unknown {
  return loaded['config'] ?? loaded['default'];
}

/** `{ worker: { concurrency: 4 } }` and `{ 'worker.concurrency': 4 }` alike, by path. */
export function flattenSettings(given: object, known: readonly string[], file: string): Record<string, unknown> {
  const paths = [...known, 'app'];
  const found: Record<string, unknown> = {};
  const visit = (value: unknown, path: string): void => {
    if (paths.includes(path)) found[path] = value;
    else if (isGroup(value, path, known))
      for (const [key, item] of Object.entries(value)) visit(item, `${path}.${key}`);
    else if (value !== undefined) throw unknownSetting(path, paths, file);
  };
  for (const [key, value] of Object.entries(given)) visit(value, key);
  return found;
}

function isGroup(value: unknown, path: string, known: readonly string[]): value is object {
  return typeof value === 'object' && value !== null && known.some((name) => name.startsWith(`${path}.`));
}

function unknownSetting(path: string, known: readonly string[], file: string): Error {
  const closest = closestName(path, known);
  return usageError(
    `${file}: unknown setting "${path}"${closest ? `: did you mean "${closest}"?` : ''}; lovage config lists them`,
  );
}
