// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';

const places = ['/usr/bin/activemq', '/opt/homebrew/bin/activemq'];

/** The program that starts a server; undefined where it is not installed. */
export function findActivemq() {
  return places.find((place) => existsSync(place));
}

/**
 * Sees to it that the server is there, and installs Debian's where it can. None is started: tests start their own.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureActivemq() {
  if (findActivemq()) return undefined;
  console.log('lovage: activemq is missing; installing it with apt-get.');
  const problem = await aptInstall('activemq');
  if (findActivemq()) return undefined;
  return `activemq is missing and apt-get could not install it (${problem}): install ActiveMQ 5.17 or newer.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureActivemq();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
