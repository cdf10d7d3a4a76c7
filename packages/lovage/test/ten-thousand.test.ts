import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { Lovage } from '../src/index.ts';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const fixture = fileURLToPath(new URL('fixtures/ledger-app.mjs', import.meta.url));
const tasks = 10_000;

let redis: RedisServer;
let ledgers: string;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  ledgers = await mkdtemp(join(tmpdir(), 'lovage-ledger-'));
  await Promise.all([startWorker('one'), startWorker('two')]);
});

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await redis.stop();
  await rm(ledgers, { recursive: true, force: true });
});

/** A real `lovage worker` process; resolves when it says that it is ready. */
async function startWorker(name: string): Promise<void> {
  const environment = { ...process.env, LOVAGE_BROKER_URL: redis.url, LEDGER_DIRECTORY: ledgers };
  const worker = spawn(
    process.execPath,
    [bin, 'worker', '-A', fixture, '-c', '50', '-n', name, '--log-format', 'json'],
    {
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  workers.push(worker);
  const lines: string[] = [];
  for await (const line of createInterface({ input: worker.stderr as NonNullable<typeof worker.stderr> })) {
    lines.push(line);
    if (/\bready\b/.test(line)) break;
  }
  if (worker.exitCode !== null) throw new Error(`worker ${name} ended: ${lines.join('\n')}`);
  worker.stderr?.resume();
}

async function readLedgers(): Promise<Map<number, number>> {
  const runs = new Map<number, number>();
  for (const file of await readdir(ledgers)) {
    for (const line of (await readFile(join(ledgers, file), 'utf8')).split('\n').filter(Boolean)) {
      runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1);
    }
  }
  return runs;
}

async function usedMemory(): Promise<number> {
  const text = await redis.client.info('memory');
  return Number(/used_memory:(\d+)/.exec(text)?.[1]);
}

describe('10,000 tasks from one process, two lovage worker processes', { timeout: 120_000 }, () => {
  it('are all awaited, none lost, none run twice, and leave only their results behind', async () => {
    const app = new Lovage('producer', { broker: redis.url, logLevel: 'error' });
    const square = app.remote<(n: number) => number>('square');
    await square.call([0], { timeout: '20s' }); // connections, scripts and queues exist from here on
    const baseline = await usedMemory();

    const numbers = Array.from({ length: tasks }, (_, index) => index + 1);
    const results = await Promise.all(numbers.map((n) => square.delay(n)));
    const values = await Promise.all(results.map((result) => result.get({ timeout: '90s' })));
    expect(values).toEqual(numbers.map((n) => n * n));

    const runs = await readLedgers();
    expect(runs.size).toBe(tasks + 1);
    expect([...runs.values()].filter((count) => count !== 1)).toEqual([]);
    expect((await readdir(ledgers)).length).toBe(2); // both workers had a part

    const retained = (await usedMemory()) - baseline;
    expect(retained).toBeLessThan(tasks * 500); // a stored result: key, record, expiry
    for (let start = 0; start < tasks; start += 500) {
      await Promise.all(results.slice(start, start + 500).map((result) => result.forget()));
    }
    expect((await usedMemory()) - baseline).toBeLessThan(1_500_000); // the event stream's bounded tail and emptied tables
    await app.close();
  });

  it('and the workers end cleanly on SIGTERM', async () => {
    for (const worker of workers) {
      const exited = once(worker, 'exit');
      worker.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    }
  });
});
