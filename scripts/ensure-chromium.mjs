// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** Debian's, then where other systems have it. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The program; undefined where there is none. */
export function findChromium() {
  return places.find((place) => existsSync(place));
}

/**
 * Sees to it that Chromium is there for the tests of the dashboard's pages, and installs Debian's where it can.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureChromium() {
  if (findChromium()) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  console.log('lovage: chromium is missing; installing it with apt-get.');
  const install = () =>
    run(command, [...rest, 'install', '-y', '--no-install-recommends', 'chromium'], { capture: true });
  let attempt = await install();
  if (attempt.code !== 0) {
    await run(command, [...rest, 'update'], { capture: true }); // fresh containers have no package lists
    attempt = await install();
  }
  if (findChromium()) return undefined;
  const why = attempt.output.trim().split('\n').at(-1) ?? '';
  return `chromium is missing and apt-get could not install it (${why}): install Chromium or Chrome.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureChromium();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
