import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { BeatProcess } from './beat-process.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Beats in processes of their own, a worker here, and a ledger of its runs in a file. */
class Fleet {
  readonly beats: BeatProcess[] = [];
  readonly #plan: object;
  readonly #file: string;

  constructor(plan: object) {
    const prefix = `t${newTaskId()}`;
    this.#plan = { url: server.url, prefix, role: 'beat', ttl: 1_500, entries: 10, interval: 500, ...plan };
    const folder = mkdtempSync(join(tmpdir(), 'lovage-beat-'));
    this.#file = join(folder, 'ledger.txt');
    appendFileSync(this.#file, '');
    const app = new Lovage('ledger', { broker: server.url, prefix, drivers: [redisDriver], logLevel: 'silent' });
    const file = this.#file;
    app.task({ name: 'note', bind: true }, (self) => {
      const { name, slot } = self.headers['schedule'] as { name: string; slot: number };
      appendFileSync(file, `${name} ${slot}\n`);
    });
    closers.push(() => rmSync(folder, { recursive: true }));
    closers.push(() => app.close());
    closers.push(() => Promise.all(this.beats.map((beat) => beat.end())));
    this.worker = startWorker(app, { concurrency: 16 });
  }

  readonly worker: Promise<unknown>;

  spawn(): void {
    this.beats.push(new BeatProcess(this.#plan));
  }

  /** The one that leads, once there is one. */
  async leader(timeout = 20_000): Promise<BeatProcess> {
    const what = (): string => `a leader: ${this.beats.map(({ stderr }) => stderr.slice(0, 300)).join()}`;
    return (await until(() => this.beats.find((beat) => beat.leads), { timeout, what })) as BeatProcess;
  }

  /** Resolves when the ledger has `slots` more lines than now. */
  async runs(slots: number): Promise<void> {
    const enough = this.ledger().length + slots;
    await until(() => this.ledger().length >= enough, { timeout: 30_000, what: () => `${slots} runs` });
  }

  ledger(): readonly string[] {
    return readFileSync(this.#file, 'utf8').split('\n').filter(Boolean);
  }

  /** What the ledger comes to: slots run more than once, and slots of the grid that are not in it. */
  count(interval = 500): { readonly runs: number; readonly duplicates: number; readonly missed: number } {
    const lines = this.ledger();
    const slots = new Map<string, Set<number>>();
    for (const line of lines) {
      const [name, slot] = line.split(' ') as [string, string];
      slots.set(name, (slots.get(name) ?? new Set()).add(Number(slot)));
    }
    let missed = 0;
    for (const seen of slots.values()) {
      const [first, last] = [Math.min(...seen), Math.max(...seen)];
      missed += (last - first) / interval + 1 - seen.size;
    }
    return { runs: lines.length, duplicates: lines.length - new Set(lines).size, missed };
  }
}

/** Three beats; the leader is killed three times, and another replaces it; the fourth is stopped for 3 s. */
async function killLeaders(fleet: Fleet): Promise<readonly number[]> {
  for (let beat = 0; beat < 3; beat += 1) fleet.spawn();
  await fleet.worker;
  const takeOvers: number[] = [];
  for (let kill = 0; kill < 3; kill += 1) {
    const leader = await fleet.leader();
    await fleet.runs(40);
    fleet.spawn();
    const killedAt = performance.now();
    await leader.end('SIGKILL');
    leader.lines.length = 0;
    await fleet.leader();
    takeOvers.push(performance.now() - killedAt);
  }
  const paused = await fleet.leader();
  await fleet.runs(40);
  paused.child.kill('SIGSTOP');
  const line = paused.lines.splice(0);
  await fleet.leader();
  await fleet.runs(40);
  paused.lines.unshift(...line.slice(-1));
  paused.child.kill('SIGCONT');
  await until(() => !paused.leads, { what: 'the paused leader to see that it leads no longer' });
  await fleet.runs(60);
  return takeOvers;
}

describe('three beats, 20 slots a second, three leaders killed and one stopped', () => {
  it('no slot twice, none missed, take-over within the lease and a second', async () => {
    const fleet = new Fleet({});
    const takeOvers = await killLeaders(fleet);
    const { runs, duplicates, missed } = fleet.count();
    expect({ duplicates, missed }).toEqual({ duplicates: 0, missed: 0 });
    expect(runs).toBeGreaterThan(200);
    expect(Math.max(...takeOvers)).toBeLessThan(2_700); // 1.5 s + 1 s, and the pipe that tells of it
  }, 120_000);

  it('control: without catch-up, slots of the take-overs are missed', async () => {
    const fleet = new Fleet({ catchUp: 'once' });
    await killLeaders(fleet);
    const { duplicates, missed } = fleet.count();
    expect(duplicates).toBe(0);
    expect(missed).toBeGreaterThan(0);
  }, 120_000);
});

describe('two beats that do not ask who leads', () => {
  async function both(plan: object): Promise<Fleet> {
    const fleet = new Fleet({ elect: false, ...plan });
    for (let beat = 0; beat < 2; beat += 1) fleet.spawn();
    await fleet.worker;
    await Promise.all(fleet.beats.map((beat) => beat.said('leads')));
    await fleet.runs(100);
    return fleet;
  }

  it('no slot twice, none missed', async () => {
    const { duplicates, missed } = (await both({})).count();
    expect({ duplicates, missed }).toEqual({ duplicates: 0, missed: 0 });
  }, 60_000);

  it('control: with ids that do not come from the slot, most slots run twice', async () => {
    const { duplicates } = (await both({ ownIds: false })).count();
    expect(duplicates).toBeGreaterThan(20);
  }, 60_000);
});

it('a leader that is asked to end hands over within half a second', async () => {
  const fleet = new Fleet({ ttl: 15_000 });
  for (let beat = 0; beat < 2; beat += 1) fleet.spawn();
  await fleet.worker;
  const leader = await fleet.leader();
  const other = fleet.beats.find((beat) => beat !== leader) as BeatProcess;
  await fleet.runs(20);
  const started = performance.now();
  const ended = leader.end('SIGTERM');
  await other.said('leads');
  expect(performance.now() - started).toBeLessThan(600); // half a second, and the pipe that tells of it
  await ended;
  await fleet.runs(20);
  expect(fleet.count()).toMatchObject({ duplicates: 0, missed: 0 });
}, 60_000);
