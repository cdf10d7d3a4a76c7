// @ts-check
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** Debian's; the wrapper in /usr/sbin insists on root or its own user, and this one does not. */
const places = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/usr/local/sbin/rabbitmq-server',
  '/opt/homebrew/sbin/rabbitmq-server',
];

/** The program that starts a server; undefined where RabbitMQ is not installed. */
export function findRabbitmq() {
  return places.find((place) => existsSync(place));
}

/**
 * Sees to it that RabbitMQ is there, and installs Debian's where it can. No server is started: tests start their own.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureRabbitmq() {
  if (findRabbitmq()) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  console.log('lovage: rabbitmq-server is missing; installing it with apt-get.');
  const install = () =>
    run(command, [...rest, 'install', '-y', '--no-install-recommends', 'rabbitmq-server'], { capture: true });
  let attempt = await install();
  if (attempt.code !== 0) {
    await run(command, [...rest, 'update'], { capture: true }); // fresh containers have no package lists
    attempt = await install();
  }
  if (findRabbitmq()) return undefined;
  const why = attempt.output.trim().split('\n').at(-1) ?? '';
  return `rabbitmq-server is missing and apt-get could not install it (${why}): install RabbitMQ 3.10 or newer.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureRabbitmq();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
