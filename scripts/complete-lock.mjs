// @ts-check
// `npm run lock`, after an `npm install` that changed package-lock.json.
//
// A registry mirror may carry only its own platform's native packages. npm then leaves the other platforms out of the
// lock file, and `npm ci` calls such a lock file out of sync, on every machine. This writes the missing entries from what
// the lock file itself says about them: name and version. (No integrity: nobody here has seen those files.)
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './run.mjs';

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [dev]
 * @property {boolean} [link]
 * @property {Record<string, string>} [optionalDependencies]
 *
 * @typedef {object} Lock
 * @property {Record<string, LockEntry>} packages
 *
 * @typedef {object} Missing
 * @property {string} name
 * @property {string} version
 * @property {boolean} dev
 */

/**
 * The optional packages that the lock file asks for and has no entry of.
 * @param {Lock} lock
 * @returns {Missing[]}
 */
export function missingFrom({ packages }) {
  return Object.entries(packages).flatMap(([path, { dev = false, optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages))
      .map(([name, version]) => ({ name, version, dev })),
  );
}

/**
 * @param {Lock} lock
 * @returns {Lock} The same with every missing entry.
 */
export function complete(lock) {
  const added = missingFrom(lock).map((missing) => [`node_modules/${missing.name}`, entryOf(missing)]);
  const entries = [...Object.entries(lock.packages), ...added];
  entries.sort(([a], [b]) => String(a).localeCompare(String(b), 'en'));
  return { ...lock, packages: Object.fromEntries(entries) };
}

/** @param {Missing} missing */
function entryOf({ name, version, dev }) {
  const { cpu, libc, os } = platformOf(name);
  // In npm's own order, so that its next run changes nothing.
  return { version, cpu, ...(dev ? { dev } : {}), ...(libc ? { libc } : {}), optional: true, os };
}

/**
 * Reads `rollup-linux-x64-musl` and its like: npm skips an entry whose os, cpu or libc is not the machine's.
 * @param {string} name
 */
export function platformOf(name) {
  const words = name.split('/').at(-1)?.split('-') ?? [];
  const os = words.map((word) => (word === 'windows' ? 'win32' : word)).find((word) => knownSystems.includes(word));
  const cpu = words.map((word) => (word === '64' ? 'x64' : word)).find((word) => knownCpus.includes(word));
  if (!os || !cpu)
    throw new Error(`The name of ${name} does not say which platform it is for: add it to the lock by hand.`);
  return { cpu: [cpu], libc: os === 'linux' ? libcOf(words) : undefined, os: [os] };
}

/** @param {string[]} words */
function libcOf(words) {
  if (words.some((word) => word.startsWith('musl'))) return ['musl'];
  return words.some((word) => word.startsWith('gnu')) ? ['glibc'] : undefined;
}

const knownSystems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const knownCpus = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(root, 'package-lock.json');
  writeFileSync(file, `${JSON.stringify(complete(JSON.parse(readFileSync(file, 'utf8'))), null, 2)}\n`);
}
