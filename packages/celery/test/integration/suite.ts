import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { Redis } from 'ioredis';
import { findCelery, findCelerySources } from '../../../../scripts/ensure-celery.mjs';
import { RedisServer } from '../../../redis/test/redis-server.ts';
import { celeryRedisDriver } from '../../src/driver.ts';
import { defineIntegrationTasks } from './tasks.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** How a test of Celery's ended. */
export type Outcome = 'passed' | 'failed' | 'skipped' | 'xfailed';

/** What the suite came to. */
export interface SuiteReport {
  /** By node id, without `t/integration/`. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly log: string;
}

/**
 * Runs tests of Celery's `t/integration`, as PyPI has it, against a Lovage worker with one slot: as many as Celery's own worker of
 * that suite has. `args` go to pytest.
 */
export async function runIntegrationSuite(version: string, args: readonly string[]): Promise<SuiteReport> {
  const server = await RedisServer.start();
  const scratch = await mkdtemp(join(tmpdir(), 'lovage-celery-suite-'));
  const redis = new Redis(server.url);
  const broker = server.url.replace('redis:', 'celery+redis:');
  const app = new Lovage('integration', {
    broker,
    drivers: [celeryRedisDriver],
    logLevel: 'silent',
  });
  defineIntegrationTasks(app, redis);
  try {
    const file = join(scratch, 'outcomes.jsonl');
    const pytest = spawn(findCelery(version) as string, ['-m', 'pytest', ...options, ...args], {
      cwd: findCelerySources(version) as string,
      env: {
        ...process.env,
        TEST_BROKER: server.url,
        TEST_BACKEND: server.url,
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: String(server.port),
        PYTHONPATH: folder,
        PYTHONDONTWRITEBYTECODE: '1',
        LOVAGE_OUTCOMES: file,
      },
    });
    let log = '';
    for (const stream of [pytest.stdout, pytest.stderr])
      stream.on('data', (bytes: Buffer) => (log += bytes.toString()));
    const ended = once(pytest, 'close');
    // the suite calls its worker by the name of the process that it would run in
    const worker = await startWorker(app, {
      queues: ['celery'],
      concurrency: 1,
      name: `gen${pytest.pid}@${hostname()}`,
      events: true,
      unknownTaskGrace: '1s', // Celery waits for no worker that may know a task
    });
    await ended;
    await worker.close();
    return { outcomes: await readOutcomes(file, log), log };
  } finally {
    redis.disconnect();
    await app.close();
    await server.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

const options = [
  '-q',
  '--tb=short',
  '-p',
  'no:cacheprovider',
  '-p',
  'celery.contrib.pytest',
  '-p',
  'lovage_worker_plugin',
];

async function readOutcomes(file: string, log: string): Promise<ReadonlyMap<string, Outcome>> {
  const lines = await readFile(file, 'utf8').catch(() => {
    throw new Error(`pytest ended without a report:\n${log}`);
  });
  return new Map(
    lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, Outcome]),
  );
}
