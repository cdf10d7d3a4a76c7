import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSource } from '../packages/core/test/source-code.ts';
import { readSpoken, retiredUses } from '../packages/core/test/vocabulary.ts';

/** A number of the tree, the bound that it may not pass, and the one that is wanted. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  /** The test fails above it: what holds today. Never raised without a reason in the commit. */
  readonly bound: number;
  /** What the house is to come to; not reached while `value` is above it. */
  readonly wanted: number;
  /** What makes up the number, for people: the worst first. */
  readonly worst: readonly string[];
}

/** A source file of a published package: no tests, no declarations of tests. */
export interface SourceFile {
  /** As in `core/src/task/task.ts`. */
  readonly file: string;
  readonly text: string;
}

const packages = fileURLToPath(new URL('../packages', import.meta.url));

/** The sources of the published packages. */
export function readSources(): readonly SourceFile[] {
  const published = readdirSync(packages).filter((name) => !['bench', 'chaos'].includes(name));
  return published.flatMap((name) => {
    const src = join(packages, name, 'src');
    return readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file) && !/\.test(-d)?\.tsx?$/.test(file))
      .map((file) => ({ file: relative(packages, join(src, file)), text: readFileSync(join(src, file), 'utf8') }))
      .sort((one, other) => (one.file < other.file ? -1 : 1));
  });
}

/** Every measure of these sources. */
export function measureHouse(sources: readonly SourceFile[]): readonly Measure[] {
  const production = sources.filter(({ file }) => !file.startsWith('core/src/testing/'));
  const seam = seamOf(sources);
  return [
    ofList('most source files in one folder', folders(sources), 20, 20),
    { name: 'median lines of a file', value: median(production.map(linesOf)), bound: 100, wanted: 100, worst: [] },
    ofList('lines of the longest file but errors.ts', lengths(production), 420, 250),
    parameterOnly(production, 'core', 30, 20),
    parameterOnly(production, 'redis', 36, 20),
    casts(production, 'core', 10.5, 5),
    casts(production, 'redis', 12.6, 5),
    casts(production, 'cli', 8.5, 5),
    { name: 'interfaces of the driver seam', value: seam.interfaces.length, bound: 78, wanted: 49, worst: [] },
    { name: 'methods of the driver seam', value: seam.methods.length, bound: 101, wanted: 77, worst: [] },
    { name: 'operations a broker must have', value: seam.required.length, bound: 12, wanted: 12, worst: seam.required },
    vocabulary(sources),
  ];
}

function ofList(name: string, found: readonly (readonly [string, number])[], bound: number, wanted: number): Measure {
  const sorted = [...found].sort(([, one], [, other]) => other - one);
  const worst = sorted.slice(0, 5).map(([what, value]) => `${what} ${value}`);
  return { name, value: sorted[0]?.[1] ?? 0, bound, wanted, worst };
}

function folders(sources: readonly SourceFile[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { file } of sources) {
    const folder = file.slice(0, file.lastIndexOf('/'));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts];
}

const linesOf = ({ text }: SourceFile): number => text.split('\n').length - 1;

function lengths(sources: readonly SourceFile[]): readonly (readonly [string, number])[] {
  return sources
    .filter(({ file }) => file !== 'core/src/errors.ts')
    .map((source) => [source.file, linesOf(source)] as const);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

const inPackage = (name: string, { file }: SourceFile): boolean => file.startsWith(`${name}/`);

/**
 * Interfaces that only carry parameters: in the whole package they stand only as the type of a parameter, or of the private
 * field that keeps one. In percent of the package's interfaces.
 */
export function parameterOnly(sources: readonly SourceFile[], name: string, bound: number, wanted: number): Measure {
  const code = sources.filter((source) => inPackage(name, source)).map(({ text }) => readSource(text).code);
  const whole = code.map((text) => text.replace(/\b(?:import|export)\s+(?:type\s+)?\{[^}]*\}/g, '')).join('\n');
  const names = [...whole.matchAll(/\binterface (\w+)/g)].map(([, found = '']) => found);
  const uses = usesOf(names, whole);
  const only = names.filter((found) => onlyCarries(uses.get(found) ?? []));
  const value = names.length === 0 ? 0 : Math.round((only.length / names.length) * 100);
  return { name: `${name}: interfaces that only carry parameters, %`, value, bound, wanted, worst: [] };
}

/** What stands before each use of a name, 80 characters at most; one pass over the code, since it is long. */
function usesOf(names: readonly string[], code: string): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const { 0: word, index } of code.matchAll(/\w+/g))
    uses.get(word)?.push(code.slice(Math.max(0, index - 80), index));
  return uses;
}

function onlyCarries(uses: readonly string[]): boolean {
  const others = uses.filter((before) => !/\binterface\s+$/.test(before));
  return others.length > 0 && others.every((before) => carries.test(before));
}

/** A parameter, or the private field that keeps one. */
const carries = /[({,]\s*(?:\w+|\{[^}]*\})\??:\s*(?:Partial<|Readonly<)?$|#\w+[!?]?:\s*$/;

/** `as` without `as const`, renames in import and export lists, and mapped keys, a thousand lines. */
export function casts(sources: readonly SourceFile[], name: string, bound: number, wanted: number): Measure {
  const own = sources.filter((source) => inPackage(name, source));
  const counts = own.map((source) => [source.file, countCasts(source.text)] as const);
  const lines = own.reduce((sum, source) => sum + linesOf(source), 0);
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  const value = lines === 0 ? 0 : Math.round((sum / lines) * 10_000) / 10;
  const { worst } = ofList('', counts, 0, 0);
  return { name: `${name}: casts (as) a thousand lines`, value, bound, wanted, worst };
}

function countCasts(text: string): number {
  const code = readSource(text)
    .code.replace(/\b(?:import|export)\s+(?:type\s+)?\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\bin\b[^\]]*\bas\b/g, '');
  return [...code.matchAll(/[\w)\]}"]\s+as\s+(?!const\b)(?=[\w({["'`])/g)].length;
}

/** What `lovage/driver` asks of who writes a driver: interfaces of `core/src/driver`, their methods, and the broker's required ones. */
export function seamOf(
  sources: readonly SourceFile[],
): Record<'interfaces' | 'methods' | 'required', readonly string[]> {
  const files = sources.filter(({ file }) => /^core\/src\/driver\/[\w-]+\.ts$/.test(file));
  const found = files.flatMap(({ text }) => [
    ...readSource(text).code.matchAll(/\bexport interface (\w+)[^{]*\{([\s\S]*?)\n\}/g),
  ]);
  const methods = found.flatMap(([, name = '', body = '']) =>
    [...body.matchAll(/^ {2}(\w+)(\??)[(<]/gm)].map(([, method = '', optional = '']) => ({ name, method, optional })),
  );
  const required = methods.filter(
    ({ name, optional }) => ['Broker', 'Consumer', 'Delivery'].includes(name) && optional === '',
  );
  return {
    interfaces: found.map(([, name = '']) => name),
    methods: methods.map(({ name, method }) => `${name}.${method}`),
    required: required.map(({ name, method }) => `${name}.${method}`),
  };
}

function vocabulary(sources: readonly SourceFile[]): Measure {
  const judged = sources.filter(({ file }) => !(file.startsWith('core/src/testing/') || file.endsWith('.lua.ts')));
  const uses = judged.flatMap(({ file, text }) => retiredUses(readSpoken(file, text)));
  return { name: 'uses of retired words', value: uses.length, bound: 0, wanted: 0, worst: uses.slice(0, 5) };
}

/** How a measure stands. */
export function verdictOf({ value, bound, wanted }: Measure): 'holds' | 'not reached' | 'WORSE' {
  if (value > bound) return 'WORSE';
  return value > wanted ? 'not reached' : 'holds';
}
