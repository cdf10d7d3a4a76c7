import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connection, newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { afterEach, expect, it } from 'vitest';
import { createMessage, required } from './bench.ts';
import type { LedgerPlan } from './ledger-worker.script.ts';
import { RedisServer } from './redis-server.ts';
import { connectStreams, streamsUrl } from './streams-bench.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const slots = 10;

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A server that keeps what it acknowledged, a producer, and a ledger that is no part of either. */
class Ledger {
  readonly connection: Connection;
  readonly #plan: Omit<LedgerPlan, 'lockDuration' | 'stalledInterval'>;
  readonly #workers: ChildProcess[] = [];

  private constructor(server: RedisServer, ledger: string) {
    const prefix = newTaskId();
    this.connection = connectStreams(server, { prefix });
    this.#plan = { url: streamsUrl(server), prefix, ledger, slots };
    writeFileSync(ledger, '');
  }

  static async open(): Promise<Ledger> {
    const server = await RedisServer.start({ appendonly: 'yes', appendfsync: 'everysec' });
    endings.push(() => server.stop());
    const directory = await mkdtemp(join(tmpdir(), 'lovage-ledger-'));
    endings.push(() => rm(directory, { recursive: true, force: true }));
    const ledger = new Ledger(server, join(directory, 'ledger'));
    endings.push(() => ledger.close());
    return ledger;
  }

  /** Publishes so many tasks; resolves with their ids when all are accepted. */
  async fill(count: number): Promise<string[]> {
    const messages = Array.from({ length: count }, () =>
      createMessage({ queue: 'ledger', task: 'ledger.write', args: [] }),
    );
    await required(this.connection.broker).publish(messages);
    return messages.map(({ id }) => id);
  }

  /** Starts a worker process; resolves when it consumes. */
  async work(lease: Pick<LedgerPlan, 'lockDuration' | 'stalledInterval'>): Promise<void> {
    const plan = JSON.stringify({ ...this.#plan, ...lease });
    const loader = here('../../../node_modules/tsx/dist/loader.mjs');
    const worker = spawn(process.execPath, ['--import', loader, here('./ledger-worker.script.ts'), plan], {
      env: { ...process.env, TSX_TSCONFIG_PATH: here('./tsconfig.ledger-worker.json') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#workers.push(worker);
    await once(worker.stdout as NonNullable<typeof worker.stdout>, 'data');
  }

  /** Ends the oldest worker as a crash would. */
  async kill(): Promise<void> {
    const worker = this.#workers.shift();
    if (!worker || worker.exitCode !== null || worker.signalCode !== null) throw new Error('no worker to kill');
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
  }

  /** How often each task was begun (`S`) or ended (`E`). */
  runs(what: 'S' | 'E'): Map<string, number> {
    const runs = new Map<string, number>();
    for (const line of readFileSync(this.#plan.ledger, 'utf8').split('\n')) {
      const [mark, id = ''] = line.split(' ');
      if (mark === what) runs.set(id, (runs.get(id) ?? 0) + 1);
    }
    return runs;
  }

  async close(): Promise<void> {
    while (this.#workers.length > 0) await this.kill();
    await this.connection.close(1_000);
  }
}

it('kill -9 of five workers during 5,000 tasks loses none, and repeats no more than were running', {
  timeout: 120_000,
}, async () => {
  const ledger = await Ledger.open();
  const lease = { lockDuration: 1_000, stalledInterval: 500 };
  const ids = await ledger.fill(5_000);
  await Promise.all([ledger.work(lease), ledger.work(lease)]);
  const kills = 5;
  for (let kill = 1; kill <= kills; kill += 1) {
    await until(() => ledger.runs('E').size >= kill * 600, { timeout: 60_000, what: `${kill * 600} tasks ended` });
    await ledger.kill();
    await ledger.work(lease);
  }
  await until(() => ledger.runs('E').size === ids.length, {
    timeout: 60_000,
    what: () => `all ended, got ${ledger.runs('E').size}`,
  });
  const results = required(ledger.connection.results);
  await until(async () => (await results.get(ids)).every((record) => record?.value === 'written'), {
    timeout: 20_000,
    what: 'every result',
  });
  expect(new Set(ledger.runs('E').keys())).toEqual(new Set(ids));
  const repeated = [...ledger.runs('S').values()].reduce((sum, times) => sum + times - 1, 0);
  expect(repeated).toBeLessThanOrEqual(kills * slots);
  await until(async () => (await counts(ledger)).running === 0, { what: 'nothing to be left running' });
  expect(await counts(ledger)).toMatchObject({ waiting: 0, delayed: 0, running: 0, dead: 0 });
});

it('control: without leases that run out, a killed worker takes its tasks with it', { timeout: 60_000 }, async () => {
  const ledger = await Ledger.open();
  const never = { lockDuration: 3_600_000, stalledInterval: 3_600_000 };
  const ids = await ledger.fill(500);
  await ledger.work(never);
  await until(() => ledger.runs('E').size >= 100, { timeout: 30_000, what: '100 tasks ended' });
  await ledger.kill();
  await ledger.work(never);
  await until(async () => (await counts(ledger)).waiting === 0, { timeout: 30_000, what: 'the queue to be empty' });
  await until(async () => ledger.runs('E').size + (await counts(ledger)).running >= ids.length, {
    timeout: 10_000,
    what: 'the rest to end',
  });
  expect((await counts(ledger)).running).toBeGreaterThan(0);
});

async function counts(ledger: Ledger): Promise<{ waiting: number; delayed: number; running: number; dead: number }> {
  const [found] = await required(ledger.connection.monitor).counts(['ledger']);
  return required(found);
}
