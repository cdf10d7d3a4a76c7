// @ts-check
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/**
 * Sees to it that `openssl` is there, which makes the certificates of the tests of TLS; Debian has it nearly everywhere.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureOpenssl() {
  const isThere = async () => (await run('openssl', ['version'], { capture: true })).code === 0;
  if (await isThere()) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (/** @type {string[]} */ ...args) => {
    const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
    return run(command, rest, { capture: true });
  };
  const install = () => apt('install', '-y', '--no-install-recommends', 'openssl');
  if ((await install()).code !== 0) {
    await apt('update');
    await install();
  }
  return (await isThere())
    ? undefined
    : 'openssl is missing and apt-get could not install it: install it so that it is on the PATH.';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureOpenssl();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
