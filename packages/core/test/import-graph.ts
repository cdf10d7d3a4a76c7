import { posix } from 'node:path';
import { type ImportLine, onlyReExportsByName, readSource, type SourceCode } from './source-code.ts';

/** A source file of a package. */
export interface Module extends SourceCode {
  /** The package's folder under `packages/`. */
  readonly folder: string;
  /** Path under `src`. */
  readonly file: string;
}

/** A package, as far as others see it. */
export interface Package {
  readonly folder: string;
  readonly name: string;
  /** What `package.json#exports` lets in: the specifier, and the file under `src` it leads to. */
  readonly doors: ReadonlyMap<string, string>;
}

/** What one package may and must not import. */
export interface ImportRule {
  /** Doors of our own packages, as specifiers. */
  readonly own: readonly string[];
  /** Dependencies, by name. */
  readonly never: readonly string[];
}

/** The order within a package: a file imports from its own layer and those before it. */
export interface Layers {
  readonly order: readonly string[];
  /** Files at the top of `src` that every layer may import, and that import only one another. */
  readonly shared: readonly string[];
}

export function createModule(folder: string, file: string, text: string): Module {
  return { folder, file, ...readSource(text) };
}

/** Tests and type tests stand beside the code they test, outside the order. */
export function isTest({ file }: Pick<Module, 'file'>): boolean {
  return /\.test(-d)?\.ts$/.test(file);
}

/** Upward and sideways imports between the folders of one package, and imports of its own doors. */
export function layerViolations(modules: readonly Module[], layers: Layers): readonly string[] {
  return modules.flatMap((module) =>
    innerImports(module).flatMap(({ target, line }) => {
      const problem = layerProblem(module.file, target, layers);
      return problem ? [`${at(module, line)} imports ${target}: ${problem}`] : [];
    }),
  );
}

function layerProblem(from: string, to: string, layers: Layers): string | undefined {
  const [source, target] = [rankOf(from, layers), rankOf(to, layers)];
  if (source === undefined) return `${from} stands in no layer`;
  if (target === undefined) return `${to} stands in no layer`;
  if (target === doorRank) return 'nothing inside a package goes through its doors';
  return target > source ? 'it comes later in the order' : undefined;
}

const doorRank = Number.POSITIVE_INFINITY;

function rankOf(file: string, { order, shared }: Layers): number | undefined {
  const [folder = '', ...rest] = file.split('/');
  if (rest.length === 0) return shared.includes(file) ? -1 : doorRank;
  const rank = order.indexOf(folder);
  return rank === -1 ? undefined : rank;
}

/** Files of one package that import one another in a circle; types count. Each circle is told once, as the way round. */
export function cycles(modules: readonly Module[]): readonly string[] {
  const targets = new Map(modules.map((module) => [module.file, innerImports(module).map(({ target }) => target)]));
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const start = way.indexOf(file);
    if (start !== -1) found.push([...way.slice(start), file].join(' → '));
    if (start !== -1 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

/** Imports of another package past its doors: by a path that `exports` does not name, or out of the own folder. */
export function deepImports(modules: readonly Module[], packages: readonly Package[]): readonly string[] {
  const problemOf = (module: Module, { specifier }: ImportLine): string | undefined => {
    if (specifier.startsWith('.')) {
      return resolve(module, specifier).startsWith('..') ? 'it leads out of the package' : undefined;
    }
    const entered = packages.find(({ name }) => isWithin(specifier, name));
    return entered && !entered.doors.has(specifier) ? `${entered.name} has no such door` : undefined;
  };
  return report(modules, problemOf);
}

/** Imports that the table of packages rules out. A package that is not in the table may import nothing of ours. */
export function forbiddenImports(
  modules: readonly Module[],
  packages: readonly Package[],
  rules: Readonly<Record<string, ImportRule>>,
): readonly string[] {
  const problemOf = ({ folder }: Module, { specifier }: ImportLine): string | undefined => {
    const { own, never } = rules[folder] ?? { own: [], never: [] };
    if (packages.some(({ name }) => isWithin(specifier, name))) {
      return own.includes(specifier) ? undefined : `${folder} may not depend on it`;
    }
    return never.some((name) => isWithin(specifier, name)) ? `${folder} must never import it` : undefined;
  };
  return report(modules, problemOf);
}

/** Imports of vitest outside the folder that is made for tests. */
export function vitestOutside(modules: readonly Module[], allowed: (module: Module) => boolean): readonly string[] {
  return report(
    modules.filter((module) => !allowed(module)),
    (_module, { specifier }) => (isWithin(specifier, 'vitest') ? 'only ./testing knows vitest' : undefined),
  );
}

/** Redis clients that are made outside the one file that knows how. */
export function unexpectedClients(modules: readonly Module[], allowed: (module: Module) => boolean): readonly string[] {
  const creation = /\bnew\s+(?:\w+\.)*(?:Redis|IORedis|Cluster)\s*[(<]/;
  const stray = modules.filter((module) => !allowed(module) && creation.test(module.code));
  return stray.map((module) => `${at(module)} creates a Redis client`);
}

/** Doors that hold more than re-exports by name. */
export function doorViolations(modules: readonly Module[], packages: readonly Package[]): readonly string[] {
  return packages.flatMap(({ folder, doors }) =>
    [...doors].flatMap(([specifier, file]) => {
      const door = modules.find((module) => module.folder === folder && module.file === file);
      if (!door) return [`${specifier} leads to ${folder}/src/${file}, which is not there`];
      return onlyReExportsByName(door) ? [] : [`${at(door)} is a door and may only re-export, by name`];
    }),
  );
}

function report(
  modules: readonly Module[],
  problemOf: (module: Module, line: ImportLine) => string | undefined,
): readonly string[] {
  return modules.flatMap((module) =>
    module.imports.flatMap((line) => {
      const problem = problemOf(module, line);
      return problem ? [`${at(module, line.line)} imports ${line.specifier}: ${problem}`] : [];
    }),
  );
}

function innerImports(module: Module): readonly { readonly target: string; readonly line: number }[] {
  return module.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({ target: resolve(module, specifier), line }))
    .filter(({ target }) => !target.startsWith('..'));
}

function resolve({ file }: Module, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}

function isWithin(specifier: string, name: string): boolean {
  return specifier === name || specifier.startsWith(`${name}/`);
}

function at({ folder, file }: Module, line?: number): string {
  return `${folder}/src/${file}${line === undefined ? '' : `:${line}`}`;
}
