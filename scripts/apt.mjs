// @ts-check
import { run } from './run.mjs';

/**
 * Installs Debian packages, without starting what they would start.
 * @param {readonly string[]} packages
 * @returns {Promise<string | undefined>} Undefined when it went well; else apt-get's last line.
 */
export async function aptInstall(...packages) {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const [command = '', ...rest] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  const install = () =>
    run(command, [...rest, 'install', '-y', '--no-install-recommends', ...packages], { capture: true });
  const first = await install();
  if (first.code === 0) return undefined;
  await run(command, [...rest, 'update'], { capture: true }); // fresh containers have no package lists
  const second = await install();
  return second.code === 0 ? undefined : second.output.trim().split('\n').at(-1);
}
