// Ledgers of a Python and a TypeScript worker on one queue that are ended under load. `npm run test:celery`, or LOVAGE_LONG=1.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { celeryRedisDriver } from '../src/driver.ts';
import { missingCelery, type PythonSettings, PythonShell, startPythonWorker } from './python-celery.ts';

const isLong = process.env['LOVAGE_CELERY_SUITE'] === 'whole' || process.env['LOVAGE_LONG'] === '1';
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const loader = here('../../../node_modules/tsx/dist/loader.mjs');
const patience = 280_000;

describe.skipIf(!isLong || missingCelery !== undefined)('ledgers of two languages', { timeout: 300_000 }, () => {
  it('kill -9 of either side during 2,000 tasks: none is lost', async () => {
    const fleet = await Fleet.start({ VISIBILITY: '5', ACKS_LATE: '1' });
    const [python, typescript] = await Promise.all([fleet.startPython(), fleet.startTypescript()]);
    const all = await fleet.send(1_000);
    await expect.poll(() => fleet.ran(), patiently).toSatisfy((ran: number[]) => ran.length > 500);
    await python.kill();
    await fleet.startPython();
    await expect.poll(() => fleet.ran(), patiently).toSatisfy((ran: number[]) => ran.length > 1_000);
    await typescript.end('SIGKILL');
    await fleet.startTypescript();
    const missing = async (): Promise<number[]> => {
      const ran = new Set(await fleet.ran());
      return all.filter((value) => !ran.has(value));
    };
    await expect.poll(missing, patiently).toEqual([]);
    await expect.poll(() => fleet.left(), patiently).toEqual({ waiting: 0, unacked: 0 });
  });

  it('warm shutdown of either side during 2,000 tasks: each runs once', async () => {
    const fleet = await Fleet.start({});
    const [python, typescript] = await Promise.all([fleet.startPython(), fleet.startTypescript()]);
    const all = await fleet.send(1_000);
    await expect.poll(() => fleet.ran(), patiently).toSatisfy((ran: number[]) => ran.length > 500);
    await Promise.all([python.stop(), fleet.startPython()]);
    await expect.poll(() => fleet.ran(), patiently).toSatisfy((ran: number[]) => ran.length > 1_000);
    await Promise.all([typescript.end('SIGTERM'), fleet.startTypescript()]);
    await expect.poll(() => fleet.ran(), patiently).toEqual(all);
    await expect.poll(() => fleet.left(), patiently).toEqual({ waiting: 0, unacked: 0 });
  });

  it('tasks of 12 s with a visibility timeout of 5 s run once, whoever looks for lost ones', async () => {
    const fleet = await Fleet.start({ VISIBILITY: '5' });
    await fleet.startTypescript();
    const sent = await fleet.sendLong([1, 2]);
    await Promise.all([fleet.startPython(), fleet.startTypescript()]); // both look for lost messages from now on
    expect(await Promise.all(sent.map((result) => result.get({ timeout: patience })))).toEqual([1, 2]);
    expect(await fleet.ran()).toEqual([1, 2]);
    expect(await fleet.left()).toEqual({ waiting: 0, unacked: 0 });
  });
});

const patiently = { timeout: patience, interval: 100 };
const queue = 'shared';

/** One Redis, one queue, one ledger; its workers and its producers end with the test. */
class Fleet {
  readonly #server: RedisServer;
  readonly #settings: PythonSettings;
  readonly #ledger: string;
  readonly #app: Lovage;
  readonly #python: PythonShell;

  private constructor(server: RedisServer, settings: PythonSettings, ledger: string) {
    this.#server = server;
    this.#settings = { BROKER: server.url, QUEUE: queue, ...settings };
    this.#ledger = ledger;
    this.#app = new Lovage('ts', { broker: this.#url, drivers: [celeryRedisDriver], logLevel: 'error' });
    this.#python = new PythonShell(this.#settings);
    onTestFinished(async () => {
      this.#python.stop();
      await this.#app.close();
    });
  }

  static async start(settings: PythonSettings): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-celery-ledger-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    return new Fleet(server, settings, join(folder, 'ledger'));
  }

  get #url(): string {
    const visibility = this.#settings['VISIBILITY'];
    const url = this.#server.url.replace('redis:', 'celery+redis:');
    return visibility === undefined ? url : `${url}?visibility_timeout=${visibility}`;
  }

  async startPython() {
    const worker = await startPythonWorker(this.#settings, ['-P', 'solo']);
    onTestFinished(() => worker.kill());
    return worker;
  }

  async startTypescript(): Promise<{ end(signal: NodeJS.Signals): Promise<void> }> {
    const args = ['--import', loader, here('./ledger-worker.script.ts'), this.#url, queue];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const end = (signal: NodeJS.Signals): Promise<void> => endOf(child, signal);
    onTestFinished(() => end('SIGKILL'));
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return { end };
  }

  /** So many from each language, their numbers in order. */
  async send(count: number): Promise<number[]> {
    const file = JSON.stringify(this.#ledger);
    const note = this.#app.remote<(where: string, value: number) => number>('py.note');
    await Promise.all([
      this.#python.ask(`[app.send_task('py.note', (${file}, i)).id for i in range(${count})][0]`),
      ...Array.from({ length: count }, (_, index) => note.applyAsync([this.#ledger, count + index], { queue })),
    ]);
    return Array.from({ length: 2 * count }, (_, index) => index);
  }

  sendLong(values: readonly number[]) {
    const long = this.#app.remote<(where: string, value: number) => number>('py.long');
    return Promise.all(values.map((value) => long.applyAsync([this.#ledger, value], { queue })));
  }

  /** What ran so far, each as often as it did. */
  async ran(): Promise<number[]> {
    const text = await readFile(this.#ledger, 'utf8').catch(() => ''); // not before the first has run
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(Number)
      .sort((a, b) => a - b);
  }

  async left(): Promise<{ waiting: number; unacked: number }> {
    const { client } = this.#server;
    return { waiting: await client.llen(queue), unacked: await client.hlen('unacked') };
  }
}

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
