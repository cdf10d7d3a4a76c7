import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program; a failure is an answer, not an error. */
export function run(command: string, args: readonly string[], cwd: string = root): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** Runs what a dependency of this repository has in its `bin`. */
export function runTool(dependency: string, file: string, args: readonly string[], cwd?: string): Promise<Ended> {
  const manifest = createRequire(import.meta.url).resolve(`${dependency}/package.json`);
  return run(process.execPath, [join(dirname(manifest), file), ...args], cwd);
}

/** A package as npm would publish it. */
export interface Packed {
  readonly name: string;
  /** Its folder in the repository. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths within it. */
  readonly files: readonly string[];
}

/** A published package's name and folder. */
export interface Published {
  readonly name: string;
  readonly folder: string;
}

/** The packages that are not private. */
export function publishedPackages(): readonly Published[] {
  const packages = join(root, 'packages');
  return readdirSync(packages)
    .map((name) => join(packages, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder }));
}

/** Packs every published package into `destination`. */
export async function packAll(destination: string): Promise<readonly Packed[]> {
  const published = publishedPackages();
  const unbuilt = published.filter(({ folder }) => !existsSync(join(folder, 'dist')));
  if (unbuilt.length > 0) throw new Error(`Run \`npm run build\` first: ${unbuilt[0]?.name} has no dist folder.`);
  const which = published.map(({ name }) => `--workspace=${name}`);
  const packed = await run('npm', ['pack', '--json', `--pack-destination=${destination}`, ...which]);
  if (packed.code !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  return readAnswer(packed.stdout).map(({ name, filename, files }) => ({
    name,
    folder: published.find((one) => one.name === name)?.folder ?? '',
    tarball: join(destination, filename),
    files: files.map(({ path }) => path),
  }));
}

interface Answer {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** npm 10 answers with a list, npm 11 with an object by package name. */
function readAnswer(stdout: string): readonly Answer[] {
  return Object.values<Answer>(JSON.parse(stdout));
}
