import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type AsyncResult, type CallOptions, Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { RedisServer } from './redis-server.ts';
import { streamsUrl } from './streams-bench.ts';
import type { UniquePlan } from './unique.script.ts';
import { useRedis } from './use-redis.ts';

const script = fileURLToPath(new URL('./unique.script.ts', import.meta.url));
const tsconfig = fileURLToPath(new URL('./tsconfig.beat.json', import.meta.url));
const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const keys = ['a', 'b', 'c'];

const redis = useRedis();

async function startProcess(plan: UniquePlan): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', tsx, script, JSON.stringify(plan)], {
    env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

/** What the ledger says: runs, and how often one began while another of its key ran. A killed process runs nothing. */
function readLedger(text: string): { readonly runs: number; readonly cut: number; readonly overlaps: number } {
  const running = new Map<string, string>();
  const figures = { runs: 0, cut: 0, overlaps: 0 };
  for (const line of text.trimEnd().split('\n')) {
    const [mark, key = '', id = '', pid] = line.split(' ');
    if (mark === 'K') {
      const dead = [...running].filter(([, at]) => at === key);
      for (const [run] of dead) running.delete(run);
      figures.cut += dead.length;
    } else if (mark === 'S') {
      figures.runs += 1;
      if ([...running.keys()].some((run) => run.startsWith(`${key}:`))) figures.overlaps += 1;
      running.set(`${key}:${id}:${pid}`, pid ?? '');
    } else running.delete(`${key}:${id}:${pid}`);
  }
  return figures;
}

/** Two workers, one of them killed under load; calls for three keys all the while. */
async function play(url: string, rule: CallOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-unique-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const plan = { url, prefix: `t${newTaskId()}`, ledger: join(folder, 'ledger.txt') };
  writeFileSync(plan.ledger, '');
  const [victim] = await Promise.all([startProcess(plan), startProcess(plan)]);
  await using app = new Lovage('ledger', {
    broker: url,
    prefix: plan.prefix,
    drivers: [redisDriver, streamsDriver],
    logLevel: 'silent',
  });
  const build = app.remote<(key: string) => string>('build');
  const last = new Map<string, AsyncResult<string>>();
  const all: AsyncResult<string>[] = [];
  const calling = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      for (const key of keys) {
        const result = await build.applyAsync(
          [key],
          rule.unique ? { unique: { ...(rule.unique as object), key } } : {},
        );
        last.set(key, result);
        all.push(result);
      }
      await pause(15);
    }
  };
  await calling(performance.now() + 700);
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  appendFileSync(plan.ledger, `K ${victim.pid}\n`);
  await calling(performance.now() + 700);
  const ends = await Promise.allSettled(all.map((result) => result.get({ timeout: '20s' })));
  const lost = ends.filter((end) => end.status === 'rejected' && end.reason.reason !== 'replaced').length;
  const latest = await Promise.all(keys.map((key) => last.get(key)?.get({ timeout: '20s' })));
  return { ...readLedger(readFileSync(plan.ledger, 'utf8')), calls: all.length, lost, latest };
}

const unique = { unique: { scope: 'running', onConflict: 'replace' } } as const;

describe('unique tasks, while a worker is killed', () => {
  it.each([
    ['redis', () => redis.server.url],
    ['redis+streams', () => streamsUrl(redis.server)],
  ])(
    'never run two at once, and the last call of each key has its run, on %s',
    async (_driver, url) => {
      const { runs, overlaps, calls, lost, latest } = await play(url(), unique);
      expect({ overlaps, lost, latest }).toEqual({ overlaps: 0, lost: 0, latest: keys });
      expect(runs).toBeGreaterThan(keys.length);
      expect(runs).toBeLessThan(calls);
    },
    60_000,
  );

  it('control: without the rule they do', async () => {
    const { runs, overlaps, calls } = await play(redis.server.url, {});
    expect(overlaps).toBeGreaterThan(0);
    expect(runs).toBeGreaterThanOrEqual(calls);
  }, 60_000);
});

describe('a full Redis', () => {
  it.each([
    ['redis', (full: RedisServer) => full.url],
    ['redis+streams', streamsUrl],
  ])(
    'refuses unique calls, and drains those that wait, on %s',
    async (_driver, url) => {
      const full = await RedisServer.start();
      onTestFinished(() => full.stop());
      const drivers = [redisDriver, streamsDriver];
      await using app = new Lovage('full', { broker: url(full), drivers, logLevel: 'silent' });
      const build = app.task({ name: 'build', ...unique }, (key: string) => key);
      const waiting = await build.delay('a');
      await full.client.config('SET', 'maxmemory', 1_000);
      await expect(build.delay('b')).rejects.toMatchObject({ name: 'BrokerMemoryError' });
      await startWorker(app, { concurrency: 1 });
      expect(await waiting.get({ timeout: '10s' })).toBe('a');
    },
    60_000,
  );
});
