import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { celeryRedisDriver } from '../src/driver.ts';
import { missingCelery, PythonShell, startPythonWorker } from './python-celery.ts';

/** Of each language; `npm run test:celery` sends more. */
const count = process.env['LOVAGE_CELERY_SUITE'] === 'whole' ? 2_000 : 300;

describe.skipIf(missingCelery !== undefined)(
  `one queue, two languages${missingCelery ? `: ${missingCelery}` : ''}`,
  () => {
    it(`${count} tasks each way run once, and both sides read every result`, { timeout: 300_000 }, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'lovage-celery-ledger-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const file = join(folder, 'ledger');
      const server = await RedisServer.start();
      onTestFinished(() => server.stop());
      const settings = { BROKER: server.url, QUEUE: 'shared' };
      const python = new PythonShell(settings);
      onTestFinished(() => python.stop());
      const broker = server.url.replace('redis:', 'celery+redis:');
      const app = new Lovage('ts', { broker, drivers: [celeryRedisDriver], logLevel: 'error' });
      onTestFinished(() => app.close());
      let ranHere = 0;
      const note = app.task({ name: 'py.note', params: ['where', 'value'] }, async (where: string, value: number) => {
        ranHere++;
        await appendFile(where, `${value}\n`);
        return value;
      });

      const [worker] = await Promise.all([
        startPythonWorker(settings, ['-P', 'solo']),
        startWorker(app, { queues: ['shared'], concurrency: 1, name: 'ts@host' }),
      ]);
      onTestFinished(() => worker.kill());

      const own = await Promise.all(
        Array.from({ length: count }, (_, index) => note.applyAsync([file, index], { queue: 'shared' })),
      );
      const send = `[app.send_task('py.note', (${JSON.stringify(file)}, i)) for i in range(${count}, ${2 * count})]`;
      const theirs = python.ask(`[result.get(timeout=240) for result in ${send}]`);
      const all = Array.from({ length: 2 * count }, (_, index) => index);
      expect(await Promise.all(own.map((result) => result.get({ timeout: '240s' })))).toEqual(all.slice(0, count));
      expect(await theirs).toEqual(all.slice(count));
      const ran = (await readFile(file, 'utf8')).trim().split('\n').map(Number);
      expect(ran.sort((a, b) => a - b)).toEqual(all);
      expect(ranHere).toBeGreaterThan(0);
      expect(ranHere, 'the Python worker ran the rest').toBeLessThan(2 * count);
    });
  },
);
