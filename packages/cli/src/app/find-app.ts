import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { CommandError } from '../exit-code.ts';

/** Where an app is made. */
export interface AppLocation {
  /** Absolute path of the module. */
  readonly file: string;
  /** For people: relative to the working directory. */
  readonly shown: string;
  readonly exportName?: string;
  /** Nobody named it: it stood where apps usually stand. */
  readonly guessed?: boolean;
}

const extensions = ['.ts', '.mts', '.js', '.mjs'] as const;
const usualPlaces = ['src/tasks', 'src/lovage', 'tasks', 'lovage'] as const;

/** For people: where an app is looked for when nobody names one. */
export const searchedPlaces =
  'package.json "lovage": { "app": … }, src/tasks, src/lovage, tasks, lovage (.ts, .mts, .js, .mjs)';

/** The module that `-A` names. Throws a {@link CommandError} (70) when there is none. */
export function locateApp(spec: string, cwd: string): AppLocation {
  const { path, exportName } = splitSpec(spec, cwd);
  const file = firstFile(resolve(cwd, path));
  if (file === undefined) throw new CommandError(`app ${path}: there is no such module in ${cwd}`, { exitCode: 70 });
  return { file, shown: show(file, cwd), ...(exportName ? { exportName } : {}) };
}

/** The module that package.json names, or that stands in a usual place; undefined when there is none. */
export function guessApp(cwd: string): AppLocation | undefined {
  const named = readManifest(join(cwd, 'package.json'));
  if (named !== undefined) return locateApp(named, cwd);
  for (const place of usualPlaces) {
    const file = extensions.map((extension) => join(cwd, place + extension)).find(isFile);
    if (file !== undefined) return { file, shown: show(file, cwd), guessed: true };
  }
  return undefined;
}

/** `./tasks.ts:app` and `./tasks.ts#app`; a file whose own name holds the colon wins. */
function splitSpec(spec: string, cwd: string): { readonly path: string; readonly exportName?: string } {
  const match = /^(.+)[:#]([A-Za-z_$][\w$]*)$/.exec(spec);
  if (match === null || isFile(resolve(cwd, spec))) return { path: spec };
  return { path: match[1] as string, exportName: match[2] as string };
}

function firstFile(path: string): string | undefined {
  return [path, ...extensions.map((extension) => path + extension)].find(isFile);
}

function readManifest(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const section = (manifest as { lovage?: { app?: unknown } } | null)?.lovage;
    return typeof section?.app === 'string' ? section.app : undefined;
  } catch (error) {
    throw new CommandError(`${file} cannot be read`, { exitCode: 70, cause: error });
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function show(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') || isAbsolute(path) ? file : `./${path.replaceAll('\\', '/')}`;
}
