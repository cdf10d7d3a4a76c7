import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { freePort } from './redis-server.ts';
import { useRedis } from './use-redis.ts';

const script = fileURLToPath(new URL('./handles.script.ts', import.meta.url));
/** Maps core to its sources: no test sees a stale build. */
const tsconfig = fileURLToPath(new URL('./tsconfig.handles.json', import.meta.url));
const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/cli.mjs', import.meta.url));

const redis = useRedis();

/** Runs the script in a process of its own; resolves with what it said when it ended by itself. */
async function run(
  url: string,
): Promise<{ readonly code: number | null; readonly said: string; readonly after: number }> {
  const child = spawn(process.execPath, [tsx, '--tsconfig', tsconfig, script, url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let closedAt = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      said += bytes;
      if (said.includes('closed')) closedAt ||= performance.now();
    });
  }
  const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(killer);
  return { code, said, after: performance.now() - closedAt };
}

it.each(['alive', 'never there'])('a process ends by itself after close, with Redis %s', async (state) => {
  const url = state === 'alive' ? redis.server.url : `redis://127.0.0.1:${await freePort()}`;
  const { code, said, after } = await run(url);
  expect(said).toBe('closed\n'); // no warning, no unhandled rejection
  expect(code).toBe(0);
  expect(after).toBeLessThan(1_500);
});
