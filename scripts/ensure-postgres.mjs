// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** Debian keeps a folder for each major version, outside the PATH. */
const versions = '/usr/lib/postgresql';
const others = ['/opt/homebrew/opt/postgresql@17/bin', '/opt/homebrew/bin', '/usr/local/bin', '/usr/bin'];

/** The folder of `initdb` and `postgres`, of the newest version; undefined where PostgreSQL's server is not installed. */
export function findPostgres() {
  const debian = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [...debian.map((version) => join(versions, version, 'bin')), ...others];
  return places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
}

/**
 * Sees to it that PostgreSQL's server is there, and installs Debian's where it can. No server is started, and no cluster is made: tests
 * make their own.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensurePostgres() {
  if (findPostgres()) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  console.log('lovage: postgresql is missing; installing it with apt-get.');
  const install = () =>
    run(command, [...rest, 'install', '-y', '--no-install-recommends', 'postgresql'], { capture: true });
  let attempt = await install();
  if (attempt.code !== 0) {
    await run(command, [...rest, 'update'], { capture: true }); // fresh containers have no package lists
    attempt = await install();
  }
  if (findPostgres()) return undefined;
  const why = attempt.output.trim().split('\n').at(-1) ?? '';
  return `postgresql is missing and apt-get could not install it (${why}): install PostgreSQL 13 or newer.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensurePostgres();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
