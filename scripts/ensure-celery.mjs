// @ts-check
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** What each Celery is tested with: what pip resolved when it was last looked at, so that a run next year sees the same. */
const pins = {
  '5.7.0': ['kombu==5.7.0', 'redis==8.1.0', 'amqp==5.4.2', 'billiard==4.3.2', 'vine==5.1.0', 'flower==2.2.0'],
  '5.6.3': ['kombu==5.7.0', 'redis==8.1.0', 'amqp==5.4.2', 'billiard==4.3.2', 'vine==5.1.0', 'flower==2.2.0'],
  '5.5.3': ['kombu==5.5.4', 'redis<6', 'vine==5.1.0'],
  '5.4.0': ['kombu==5.4.2', 'redis<6', 'vine==5.1.0'],
  '5.3.6': ['kombu==5.3.7', 'redis<6', 'vine==5.1.0'],
  '5.2.7': ['kombu==5.2.4', 'redis<5', 'vine==5.0.0', 'setuptools<81'],
};

/** What Celery's own integration suite needs beside it. */
const suiteParts = [
  'pytest==8.4.2',

  'pytest-subtests==0.15.0',
  'pytest-order==1.3.0',
  'pydantic==2.12.5',
];

/** The version that the suite runs on. */
export const usualCelery = '5.6.3';
/** All that can be asked for. */
export const celeryVersions = Object.keys(pins);

const folderOf = (/** @type {string} */ version) => join(homedir(), '.cache', 'lovage', `celery-${version}`);

/**
 * The Python that has this Celery; undefined where it is not installed.
 * @param {string} [version]
 */
export function findCelery(version = usualCelery) {
  const python = join(folderOf(version), 'bin', 'python');
  return existsSync(join(folderOf(version), 'ready')) ? python : undefined;
}

/**
 * The source distribution of this Celery, with its integration suite; undefined where PyPI did not answer.
 * @param {string} [version]
 */
export function findCelerySources(version = usualCelery) {
  const folder = join(folderOf(version), 'sources', `celery-${version}`);
  return existsSync(join(folder, 't', 'integration', 'conftest.py')) ? folder : undefined;
}

/**
 * Sees to it that Celery is there in a virtual environment of its own; else, for the usual version, Debian's.
 * @param {string} [version]
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureCelery(version = usualCelery) {
  if (findCelery(version) && (findCelerySources(version) || isDebians(version))) return undefined;
  const more = pins[/** @type {keyof typeof pins} */ (version)];
  if (!more) return `Celery ${version} is not among ${celeryVersions.join(', ')}.`;
  console.log(`lovage: installing Celery ${version} for the tests.`);
  const problem = await installWithPip(version, more);
  if (!problem) return undefined;
  if (version !== usualCelery) return `Celery ${version} could not be installed (${problem}).`;
  const debian = await installWithApt();
  return debian && `Celery could not be installed, neither with pip (${problem}) nor with apt-get (${debian}).`;
}

/**
 * @param {string} version
 * @param {readonly string[]} more
 */
async function installWithPip(version, more) {
  const folder = folderOf(version);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  let made = await run('python3', ['-m', 'venv', folder], { capture: true });
  if (made.code !== 0) {
    await apt('python3-venv');
    made = await run('python3', ['-m', 'venv', folder], { capture: true });
  }
  if (made.code !== 0) return lastLine(made.output);
  const pip = (/** @type {string[]} */ ...args) => run(join(folder, 'bin', 'pip'), [...args, '-q'], { capture: true });
  const installed = await pip('install', `celery[redis]==${version}`, ...more, ...suiteParts);
  if (installed.code !== 0) return lastLine(installed.output);
  const sources = join(folder, 'sources');
  const exact = ['--no-deps', '--no-binary', ':all:', `celery==${version}`];
  const loaded = await pip('download', ...exact, '--dest', sources);
  if (loaded.code !== 0) return lastLine(loaded.output);
  const unpacked = await run('tar', ['-xzf', join(sources, `celery-${version}.tar.gz`), '-C', sources], {
    capture: true,
  });
  if (unpacked.code !== 0) return lastLine(unpacked.output);
  writeFileSync(join(folder, 'ready'), `${version}\n`);
  return undefined;
}

/** The usual version's place holds Debian's: it has no sources. */
function isDebians(/** @type {string} */ version) {
  return readFileSync(join(folderOf(version), 'ready'), 'utf8').startsWith('Debian');
}

/** Debian's Celery, reached through an environment that sees the system's packages. */
async function installWithApt() {
  const problem = await apt('python3-venv', 'python3-celery', 'python3-redis');
  if (problem) return problem;
  const folder = folderOf(usualCelery);
  rmSync(folder, { recursive: true, force: true });
  const made = await run('python3', ['-m', 'venv', '--system-site-packages', folder], { capture: true });
  if (made.code !== 0) return lastLine(made.output);
  writeFileSync(join(folder, 'ready'), 'Debian\n');
  return undefined;
}

/** @param {readonly string[]} packages */
async function apt(...packages) {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  const install = () =>
    run(command, [...rest, 'install', '-y', '--no-install-recommends', ...packages], { capture: true });
  const first = await install();
  if (first.code === 0) return undefined;
  await run(command, [...rest, 'update'], { capture: true }); // fresh containers have no package lists
  const second = await install();
  return second.code === 0 ? undefined : lastLine(second.output);
}

/** @param {string} output */
const lastLine = (output) => output.trim().split('\n').at(-1) ?? '';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = process.argv.slice(2);
  for (const version of asked.length > 0 ? asked : [usualCelery]) {
    const problem = await ensureCelery(version);
    if (problem) console.error(`lovage: ${problem}`);
    if (problem) process.exitCode = 1;
  }
}
