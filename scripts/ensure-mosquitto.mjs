// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';

const places = ['/usr/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto'];

/** The program that starts a server; undefined where it is not installed. */
export function findMosquitto() {
  return places.find((place) => existsSync(place));
}

/**
 * Sees to it that the server is there, and installs Debian's where it can. None is started: tests start their own.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureMosquitto() {
  if (findMosquitto()) return undefined;
  console.log('lovage: mosquitto is missing; installing it with apt-get.');
  const problem = await aptInstall('mosquitto');
  if (findMosquitto()) return undefined;
  return `mosquitto is missing and apt-get could not install it (${problem}): install mosquitto 2.0 or newer.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureMosquitto();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
