import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModule, type Module, type Package } from './import-graph.ts';

/** Where the packages are. */
export const packagesFolder = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | { readonly default: string }>>;
}

/** The packages of this repository, with their doors. */
export function readPackages(): readonly (Package & { readonly published: boolean })[] {
  return folders().map((folder) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(packagesFolder, folder, 'package.json'), 'utf8'));
    return { folder, name: manifest.name, published: manifest.private !== true, doors: readDoors(manifest) };
  });
}

/** Every TypeScript file under the packages' `src`. */
export function readModules(): readonly Module[] {
  return folders().flatMap((folder) => {
    const src = join(packagesFolder, folder, 'src');
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
    return files.map((file) => createModule(folder, file.replaceAll('\\', '/'), readFileSync(join(src, file), 'utf8')));
  });
}

function folders(): readonly string[] {
  return readdirSync(packagesFolder).filter((folder) => existsSync(join(packagesFolder, folder, 'package.json')));
}

/** `"./worker": { "default": "./dist/worker.js" }` is the door `@lovage/core/worker`, made of `worker.ts`. */
function readDoors({ name, exports = {} }: Manifest): ReadonlyMap<string, string> {
  const code = Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === 'string' ? [] : [[subpath, target.default] as const],
  );
  return new Map(code.map(([subpath, file]) => [specifierOf(name, subpath), sourceOf(file)]));
}

function specifierOf(name: string, subpath: string): string {
  return subpath === '.' ? name : `${name}${subpath.slice(1)}`;
}

function sourceOf(file: string): string {
  return file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
}
