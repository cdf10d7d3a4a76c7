// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';

const places = ['/usr/sbin/nats-server', '/usr/bin/nats-server', '/opt/homebrew/bin/nats-server'];

/** The program that starts a server; undefined where it is not installed. */
export function findNats() {
  return places.find((place) => existsSync(place));
}

/**
 * Sees to it that the server is there, and installs Debian's where it can. None is started: tests start their own.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureNats() {
  if (findNats()) return undefined;
  console.log('lovage: nats-server is missing; installing it with apt-get.');
  const problem = await aptInstall('nats-server');
  if (findNats()) return undefined;
  return `nats-server is missing and apt-get could not install it (${problem}): install NATS 2.9 or newer.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureNats();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
