import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Lovage, type Run } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { deferred, until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { afterEach, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { RedisCluster } from './redis-cluster.ts';
import { RedisServer } from './redis-server.ts';
import { connectStreams } from './streams-bench.ts';
import type { WorkflowPlan } from './workflow-worker.script.ts';

/** The long form is what docs/reliability.md tells: LOVAGE_LONG=1 npx vitest run packages/redis/test/workflow-faults.test.ts */
const long = process.env['LOVAGE_LONG'] === '1';
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const lockDuration = 1_000;
const appendOnly = { appendonly: 'yes', appendfsync: 'always' };

/** Runs of a workflow, the workers that carry them, and what these wrote down. */
class Trial {
  readonly plan: WorkflowPlan;
  readonly app: Lovage;
  readonly #workers: ChildProcess[] = [];

  private constructor(plan: WorkflowPlan) {
    this.plan = plan;
    writeFileSync(plan.ledger, '');
    this.app = new Lovage('flows', {
      broker: plan.url,
      prefix: plan.prefix,
      drivers: [redisDriver, streamsDriver],
      logLevel: 'silent',
    });
  }

  static async open(url: string, given: Partial<WorkflowPlan> = {}): Promise<Trial> {
    const directory = await mkdtemp(join(tmpdir(), 'lovage-flows-'));
    endings.push(() => rm(directory, { recursive: true, force: true }));
    const plan = {
      url,
      prefix: newTaskId(),
      ledger: join(directory, 'ledger'),
      steps: 10,
      slots: 20,
      lockDuration,
      ...given,
    };
    const trial = new Trial(plan);
    endings.push(() => trial.close());
    return trial;
  }

  /** Starts so many runs; resolves with what they come to. */
  async start(count: number): Promise<() => Promise<readonly string[]>> {
    const flow = this.app.workflow({ name: 'flow' }, async (_, name: string) => name);
    const names = Array.from({ length: count }, (_, index) => `r${index}`);
    const runs: Run<string>[] = [];
    for (let from = 0; from < count; from += 100) {
      runs.push(...(await Promise.all(names.slice(from, from + 100).map((name) => flow.start(name)))));
    }
    return () => Promise.all(runs.map((run) => run.get({ timeout: '120s' })));
  }

  async work(own: Partial<WorkflowPlan> = {}): Promise<ChildProcess> {
    const loader = here('../../../node_modules/tsx/dist/loader.mjs');
    const args = ['--import', loader, here('./workflow-worker.script.ts'), JSON.stringify({ ...this.plan, ...own })];
    const env = { ...process.env, TSX_TSCONFIG_PATH: here('./tsconfig.workflow-worker.json') };
    const worker = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#workers.push(worker);
    await once(worker.stdout as NonNullable<typeof worker.stdout>, 'data');
    return worker;
  }

  async kill(worker: ChildProcess | undefined = this.#workers[0]): Promise<void> {
    if (worker === undefined) return;
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    if (worker.exitCode !== null || worker.signalCode !== null) return;
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
  }

  lines(): readonly string[] {
    return readFileSync(this.plan.ledger, 'utf8').split('\n').slice(0, -1);
  }

  get steps(): number {
    return this.lines().filter((line) => line.startsWith('S')).length;
  }

  /** Steps that ran although their outcome had been stored, and handed to the code, before. */
  repeated(): readonly string[] {
    const stored = new Set<string>();
    const again: string[] = [];
    for (const line of this.lines()) {
      const [mark, run, key] = line.split(' ');
      if (mark === 'D') stored.add(`${run} ${key}`);
      else if (stored.has(`${run} ${key}`)) again.push(line);
    }
    return again;
  }

  /** Writes that the store took of a worker that had lost the run. */
  staleWrites(): readonly string[] {
    return this.lines().filter((line) => line.startsWith('A'));
  }

  async close(): Promise<void> {
    while (this.#workers.length > 0) await this.kill();
    await this.app.close();
  }
}

async function server(settings: Record<string, string> = appendOnly): Promise<RedisServer> {
  const redis = await RedisServer.start(settings);
  endings.push(() => redis.stop());
  return redis;
}

const [runs, kills] = long ? [1_000, 10] : [60, 3];
const urls: readonly (readonly [string, () => Promise<string>])[] = [
  ['redis+streams', async () => (await server()).url.replace('redis:', 'redis+streams:')],
  ['redis', async () => (await server()).url],
  [
    'redis+streams+cluster',
    async () => {
      const cluster = await RedisCluster.start(0);
      endings.push(() => cluster.stop());
      return cluster.url('redis+streams+cluster');
    },
  ],
];

it.each(long ? urls : urls.slice(0, 2))(
  'kill -9 of workers over %s: every run ends, no stored step runs again',
  { timeout: 300_000 },
  async (_, urlOf) => {
    const trial = await Trial.open(await urlOf());
    const ended = await trial.start(runs);
    await Promise.all([trial.work(), trial.work()]);
    for (let kill = 1; kill <= kills; kill += 1) {
      await until(() => trial.steps >= (kill * runs * trial.plan.steps) / (kills + 2), {
        timeout: 120_000,
        what: 'progress',
      });
      await trial.kill();
      await trial.work();
    }
    expect(await ended()).toHaveLength(runs);
    expect(trial.repeated()).toEqual([]);
  },
);

/** A worker is killed when each of its runs hangs in its fifth step; another one carries them on. */
async function killedInStep(given: Partial<WorkflowPlan>): Promise<Trial> {
  const redis = await server({});
  const trial = await Trial.open(redis.url.replace('redis:', 'redis+streams:'), given);
  const ended = await trial.start(20);
  const first = await trial.work({ hangAt: 5 });
  await until(() => trial.lines().filter((line) => line.includes(' step#5 ')).length === 20, {
    timeout: 120_000,
    what: 'all to hang',
  });
  await trial.kill(first);
  await trial.work();
  expect(await ended()).toHaveLength(20);
  return trial;
}

it('kill -9 of a worker in the fifth step of its runs: the first four do not run again', {
  timeout: 300_000,
}, async () => {
  expect((await killedInStep({})).repeated()).toEqual([]);
});

it('control: without the log they do', { timeout: 300_000 }, async () => {
  expect((await killedInStep({ replay: 'off' })).repeated()).toHaveLength(80);
});

it('a worker that stands still for two leases records nothing once it has lost its runs', {
  timeout: 120_000,
}, async () => {
  const redis = await server({});
  const trial = await Trial.open(redis.url.replace('redis:', 'redis+streams:'), { steps: 60, fence: 'on' });
  const ended = await trial.start(long ? 200 : 20);
  const first = await trial.work();
  const of = (worker: ChildProcess) => trial.lines().filter((line) => line.endsWith(` ${worker.pid}`)).length;
  await until(() => of(first) > 40, { timeout: 60_000, what: 'its first steps' });
  first.kill('SIGSTOP');
  const second = await trial.work();
  await pause(lockDuration * 2);
  await until(() => of(second) > 40, { timeout: 60_000, what: 'the other worker to go on' });
  first.kill('SIGCONT');
  await ended();
  expect(trial.staleWrites()).toEqual([]);
});

/** Takes every run away from a worker that does not hear of it, since its leases are good. */
async function taken(fence: 'on' | 'off'): Promise<Trial> {
  const redis = await server({});
  const trial = await Trial.open(redis.url.replace('redis:', 'redis+streams:'), { steps: 60, fence });
  const ended = await trial.start(20);
  await trial.work();
  await until(() => trial.steps > 100, { timeout: 60_000, what: 'its first steps' });
  const { workflows } = connectStreams(redis, { prefix: trial.plan.prefix });
  const runs = await trial.app.workflows.list({ limit: 100 });
  const taker = { name: 'flow', queue: 'default', call: '', host: 'another', now: Date.now(), lost: false };
  await Promise.all(runs.map(({ id }) => workflows?.take({ ...taker, id })));
  await trial.work();
  await ended();
  return trial;
}

it('a worker whose runs another one takes records nothing from then on', { timeout: 120_000 }, async () => {
  expect((await taken('on')).staleWrites()).toEqual([]);
});

it('control: without the fence it does', { timeout: 120_000 }, async () => {
  expect((await taken('off')).staleWrites()).not.toEqual([]);
});

it('kill -9 of a Redis with an append-only file loses no run', { timeout: 180_000 }, async () => {
  const redis = await server();
  const trial = await Trial.open(redis.url.replace('redis:', 'redis+streams:'));
  const count = long ? 500 : 60;
  const ended = await trial.start(count);
  await trial.work();
  const times = long ? 3 : 1;
  for (let time = 1; time <= times; time += 1) {
    await until(() => trial.steps >= (time * count * 10) / (times + 2), { timeout: 60_000, what: 'progress' });
    await redis.kill();
    await redis.launch();
  }
  expect(await ended()).toHaveLength(count);
  expect(trial.repeated()).toEqual([]);
});

it('of an event and its timeout exactly one wins', { timeout: 180_000 }, async () => {
  const redis = await server({});
  const options = {
    broker: redis.url.replace('redis:', 'redis+streams:'),
    drivers: [streamsDriver],
    logLevel: 'silent',
  } as const;
  const app = new Lovage('flows', options);
  endings.push(() => app.close());
  const count = long ? 1_000 : 200;
  const asks = Array.from({ length: count }, () => deferred<void>());
  const won: string[] = [];
  const flow = app.workflow({ name: 'flow', parkAfter: 10 }, async (w, n: number) => {
    asks[n]?.resolve();
    const value = await w.event('go', { timeout: 30, default: 'timeout' });
    await w.step('won', () => void won.push(`${n} ${value}`));
    return value;
  });
  await startWorker(app, { concurrency: 50 });
  const values = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const run = await flow.start(n);
      const send = () =>
        run.send('go', 'event').then(
          () => 'delivered',
          () => 'refused',
        );
      if (n % 10 === 0) return [await run.get({ timeout: '60s' }), await send()] as const; // too late, for certain
      if (n % 10 !== 1) await asks[n]?.promise; // else most likely there before it is waited for
      if (n % 10 !== 1) await pause((n * 7) % 60);
      const sent = await send();
      return [await run.get({ timeout: '60s' }), sent] as const;
    }),
  );
  expect(won).toHaveLength(count);
  expect(new Set(won.map((line) => line.split(' ')[0])).size).toBe(count);
  expect(values.filter(([value, sent]) => value === 'event' && sent !== 'delivered')).toEqual([]);
  expect(values.filter((_, n) => n % 10 === 0).every(([value]) => value === 'timeout')).toBe(true);
  expect(values.some(([value]) => value === 'event')).toBe(true);
});

it('open runs outlive a rolling restart to new code with a patch', { timeout: 180_000 }, async () => {
  const redis = await server({});
  const options = { broker: redis.url, drivers: [redisDriver], logLevel: 'silent' } as const;
  const [old, fresh] = [new Lovage('flows', options), new Lovage('flows', options)];
  endings.push(() => Promise.all([old.close(), fresh.close()]));
  const define = (app: Lovage, patched: boolean) =>
    app.workflow({ name: 'flow', parkAfter: 20 }, async (w, n: number) => {
      await w.step('a', () => n);
      await w.sleep(n % 2 ? 5 : 200);
      const extra = patched && w.patch('extra') ? await w.step('extra', () => 'new') : 'old';
      await w.event('go');
      return extra;
    });
  const before = define(old, false);
  define(fresh, true);
  const worker = await startWorker(old, { concurrency: 20 });
  const count = long ? 200 : 60;
  const open = await Promise.all(Array.from({ length: count }, (_, n) => before.start(n)));
  await until(async () => (await old.workflows.list({ limit: 1_000 })).length === count, {
    timeout: 60_000,
    what: 'every run to begin',
  });
  await startWorker(fresh, { concurrency: 20 });
  await worker.close();
  for (const run of open) await run.send('go');
  const values = await Promise.all(open.map((run) => run.get({ timeout: '60s' })));
  expect(values.filter((value) => value !== 'old' && value !== 'new')).toEqual([]);
  const late = await before.start(1);
  await late.send('go');
  expect(await late.get({ timeout: '30s' })).toBe('new');
});

it('thousands of sleepers hold no slot and little memory, and all wake', { timeout: 300_000 }, async () => {
  const redis = await server({});
  const app = new Lovage('flows', {
    broker: redis.url.replace('redis:', 'redis+streams:'),
    drivers: [streamsDriver],
    logLevel: 'silent',
  });
  endings.push(() => app.close());
  const late: number[] = [];
  const flow = app.workflow({ name: 'flow', parkAfter: 10 }, async (w, until: number) => {
    await w.sleepUntil(new Date(until));
    await w.step('woken', () => void late.push(Date.now() - until));
    return null;
  });
  const worker = await startWorker(app, { concurrency: 50 });
  // What is stored: without the buffers of the connections, which grow with what is under way.
  const used = async (): Promise<number> => {
    const info = await redis.client.info('memory');
    const of = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
    return of('used_memory') - of('mem_clients_normal');
  };
  const warm = await flow.start(Date.now());
  await warm.get({ timeout: '30s' });
  const count = long ? 10_000 : 500;
  const before = await used();
  const at = Date.now() + (long ? 40_000 : 8_000);
  const runs: Run<null>[] = [];
  for (let from = 0; from < count; from += 500)
    runs.push(
      ...(await Promise.all(
        Array.from({ length: 500 }, (_, n) => flow.start(at + ((from + n) % 1_000) * (long ? 10 : 1))),
      )),
    );
  await until(async () => (await app.workflows.list({ state: 'PARKED', limit: count + 1 })).length === count, {
    timeout: 120_000,
    what: 'all to sleep',
  });
  expect(worker.report().running).toEqual([]);
  expect(((await used()) - before) / count).toBeLessThanOrEqual(1_024); // 1,022 B with 10,000 of them: run, log, message, places in three sets
  await Promise.all(runs.map((run) => run.get({ timeout: '120s' })));
  expect(late.filter((ms) => ms >= 0)).toHaveLength(count + 1);
  const sorted = late.sort((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  if (long) expect(p99, 'ms that the slowest of a hundred woke late').toBeLessThan(250);
});
