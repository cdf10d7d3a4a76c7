import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import type { BatchPlan } from './batch.script.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const script = fileURLToPath(new URL('./batch.script.ts', import.meta.url));
const tsconfig = fileURLToPath(new URL('./tsconfig.beat.json', import.meta.url));
const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url));

const redis = useRedis();

/** A worker process; resolves when it has ended. */
function work(plan: BatchPlan): { readonly ended: Promise<unknown> } {
  const child = spawn(process.execPath, ['--import', tsx, script, JSON.stringify(plan)], {
    env: { ...process.env, TSX_TSCONFIG_PATH: tsconfig },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { ended: once(child, 'exit') };
}

/** 100 calls; their worker is killed in its second batch of 25, another goes on. */
async function killInABatch(url: string, acksLate: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-batch-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const ledger = join(folder, 'ledger.txt');
  writeFileSync(ledger, '');
  const prefix = `t${newTaskId()}`;
  await using app = new Lovage('ledger', {
    broker: url,
    prefix,
    drivers: [redisDriver, streamsDriver],
    logLevel: 'silent',
  });
  const sent = await app.remote<() => string>('rows').delayMany(Array.from({ length: 100 }, () => [] as []));
  const plan = { url, prefix, ledger, acksLate };
  await work({ ...plan, dies: true }).ended;
  work({ ...plan, dies: false });
  const ends = await Promise.allSettled(sent.map((result) => result.get({ timeout: '30s' })));
  const lines = readFileSync(ledger, 'utf8').split('\n');
  const starts = sent.map(({ id }) => lines.filter((line) => line === `S ${id}`).length);
  return {
    written: ends.filter((end) => end.status === 'fulfilled' && end.value === 'written').length,
    lost: ends.filter((end) => end.status === 'rejected' && /its worker was lost/.test(end.reason.message)).length,
    startedOnce: starts.filter((count) => count === 1).length,
    startedTwice: starts.filter((count) => count === 2).length,
  };
}

describe.each([
  ['redis', () => redis.server.url],
  ['redis+streams', () => streamsUrl(redis.server)],
])('a worker that is killed in a batch, on %s', (_driver, url) => {
  it('loses no item: those of that batch run again, and no other', async () => {
    expect(await killInABatch(url(), true)).toEqual({ written: 100, lost: 0, startedOnce: 75, startedTwice: 25 });
  }, 60_000);

  it('control: at most once, the items of that batch are lost', async () => {
    expect(await killInABatch(url(), false)).toEqual({ written: 75, lost: 25, startedOnce: 100, startedTwice: 0 });
  }, 60_000);
});
