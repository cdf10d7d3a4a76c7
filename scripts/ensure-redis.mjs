// @ts-check
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** The oldest redis-server that the tests run on: 6.2 brought what the drivers' scripts use. */
const oldest = [6, 2];

/**
 * @typedef {object} Machine What the script asks of the machine; a test answers in its place.
 * @property {boolean} root Whether this process is the superuser.
 * @property {(command: string, args: readonly string[]) => Promise<{ code: number, output: string }>} run
 * @property {(line: string) => void} say
 */

/**
 * Sees to it that `redis-server` is there, and installs it where it can.
 * @param {Machine} machine
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureRedis(machine = thisMachine) {
  if (isNewEnough(await versionOf(machine))) return undefined;
  const attempt = await install(machine);
  const version = await versionOf(machine);
  if (isNewEnough(version)) return undefined;
  const found = version
    ? `redis-server ${version.join('.')} is older than ${oldest.join('.')}`
    : 'redis-server is missing';
  return `${found}${attempt}.`;
}

/**
 * @param {Machine} machine
 * @returns {Promise<number[] | undefined>}
 */
async function versionOf(machine) {
  const answer = await machine.run('redis-server', ['--version']);
  const version = /\bv=(\d+)\.(\d+)\.(\d+)/.exec(answer.output);
  return answer.code === 0 && version ? version.slice(1).map(Number) : undefined;
}

/** @param {number[] | undefined} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version ?? [];
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Tries what this machine has. Returns the rest of the sentence that follows when it did not help.
 * @param {Machine} machine
 */
async function install(machine) {
  if (await has(machine, 'apt-get')) return installWithApt(machine);
  if (await has(machine, 'brew')) return installWithBrew(machine);
  if ((await machine.run('docker', ['version', '--format', '{{.Server.Version}}'])).code === 0) return dockerAdvice;
  return ` and there is neither apt-get, Homebrew nor a running Docker engine to get it from: install Redis ${oldest.join('.')} or newer so that redis-server is on the PATH`;
}

const dockerAdvice =
  ', but a Docker engine answers: put an executable file named redis-server with the two lines' +
  ' `#!/bin/sh` and `exec docker run --rm --init --network host -v /tmp:/tmp redis:7.4 redis-server "$@"` on the PATH';

/** @param {Machine} machine */
async function installWithApt(machine) {
  const sudo = machine.root ? [] : ['sudo', '-n'];
  if (!machine.root && (await machine.run('sudo', ['-n', 'true'])).code !== 0) {
    return ' and installing it needs a password: run `sudo apt-get install redis-server`';
  }
  machine.say('lovage: redis-server is missing; installing it with apt-get.');
  const apt = (/** @type {string[]} */ ...args) => {
    // RUNLEVEL=1: the tests start their own servers; the distribution's service need not run on 6379.
    const [command = '', ...rest] = [
      ...sudo,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      ...args,
    ];
    return machine.run(command, rest);
  };
  const installRedis = () => apt('install', '-y', '--no-install-recommends', 'redis-server');
  const first = await installRedis();
  if (first.code === 0) return ' although apt-get installed it';
  // Fresh containers have no package lists.
  await apt('update');
  const second = await installRedis();
  return second.code === 0
    ? ' although apt-get installed it'
    : ` and apt-get could not install it (${lastLine(second)})`;
}

/** @param {Machine} machine */
async function installWithBrew(machine) {
  machine.say('lovage: redis-server is missing; installing it with Homebrew.');
  const installed = await machine.run('brew', ['install', 'redis']);
  return installed.code === 0
    ? ' although Homebrew installed it'
    : ` and Homebrew could not install it (${lastLine(installed)})`;
}

/**
 * @param {Machine} machine
 * @param {string} command
 */
async function has(machine, command) {
  return (await machine.run(command, ['--version'])).code === 0;
}

/** @param {{ output: string }} ended */
function lastLine(ended) {
  return ended.output.trim().split('\n').at(-1)?.replace(/\.$/, '') ?? '';
}

/** @type {Machine} */
const thisMachine = {
  root: process.getuid?.() === 0,
  run: (command, args) => run(command, args, { capture: true }),
  say: (line) => console.log(line),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureRedis();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
