import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, RedisServer } from '../../redis/test/redis-server.ts';
import { celeryRedisDriver } from '../src/driver.ts';
import { missingCelery, pythonWithCelery } from './python-celery.ts';

/** Each Celery of scripts/ensure-celery.mjs that is tested with Flower has it. */
const isThere = spawnSync(pythonWithCelery, ['-c', 'import flower']).status === 0;
const isOptional = process.env['LOVAGE_REQUIRE_PARTS'] !== '1' || process.env['LOVAGE_CELERY_VERSION'] !== undefined;
const missing = missingCelery ?? (isThere || !isOptional ? undefined : 'it is not installed here');
const folder = fileURLToPath(new URL('python', import.meta.url));

interface FlowerWorker {
  readonly registered?: readonly string[];
  readonly active_queues?: readonly { readonly name: string }[];
}

describe.skipIf(missing !== undefined)(`Flower${missing ? `: ${missing}` : ''}`, () => {
  it('lists a TypeScript worker with its tasks and queues, and shows what it ran', { timeout: 180_000 }, async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    const port = await freePort();
    const args = ['-m', 'celery', '-A', 'proj', 'flower', `--port=${port}`, '--address=127.0.0.1', '--logging=error'];
    const env = {
      ...process.env,
      BROKER: server.url,
      FLOWER_UNAUTHENTICATED_API: 'true',
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const flower = spawn(pythonWithCelery, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    flower.stderr.on('data', (bytes: Buffer) => (log += bytes.toString()));
    onTestFinished(async () => {
      if (flower.exitCode !== null) return;
      flower.kill('SIGKILL');
      await once(flower, 'exit');
    });
    const broker = server.url.replace('redis:', 'celery+redis:');
    const app = new Lovage('ts', { broker, drivers: [celeryRedisDriver], logLevel: 'error' });
    onTestFinished(() => app.close());
    const add = app.task('js.add', (x: number, y: number) => x + y);
    await startWorker(app, { queues: ['ts'], name: 'ts@host', events: true });

    const ask = async (path: string): Promise<Record<string, unknown>> => {
      if (flower.exitCode !== null) throw new Error(`Flower ended:\n${log}`);
      const answer = await fetch(`http://127.0.0.1:${port}/api/${path}`).catch(() => undefined);
      return answer?.ok ? ((await answer.json()) as Record<string, unknown>) : {};
    };
    const patiently = { timeout: 120_000, interval: 300 };
    await expect.poll(() => ask('workers?refresh=1'), patiently).toHaveProperty(['ts@host', 'registered']);
    const { 'ts@host': worker } = (await ask('workers')) as Record<string, FlowerWorker>;
    expect(worker?.registered).toContain('js.add');
    expect(worker?.active_queues).toMatchObject([{ name: 'ts' }]);

    const result = await add.applyAsync([2, 3], { queue: 'ts' });
    expect(await result.get({ timeout: '120s' })).toBe(5);
    await expect
      .poll(() => ask('tasks'), patiently)
      .toMatchObject({ [result.id]: { name: 'js.add', state: 'SUCCESS', result: '5', worker: 'ts@host' } });
  });
});
