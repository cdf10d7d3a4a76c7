import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
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

function openApp(prefix: string): Lovage {
  const app = new Lovage('ledger', { broker: server.url, prefix, drivers: [redisDriver], logLevel: 'silent' });
  closers.push(() => app.close());
  return app;
}

function spawn(plan: object): BeatProcess {
  const child = new BeatProcess({ url: server.url, ...plan });
  closers.push(() => child.end());
  return child;
}

describe('50 contenders over 5 connections', () => {
  it('1,000 grants of one lock: one holder at a time, and the fence strictly grows', async () => {
    const prefix = `t${newTaskId()}`;
    const apps = Array.from({ length: 5 }, () => openApp(prefix));
    const fences: number[] = [];
    const holders = { now: 0, most: 0 };
    const contender = async (app: Lovage): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        await using lock = await app.lock('one', { wait: '60s' });
        fences.push(lock.fence);
        holders.now += 1;
        holders.most = Math.max(holders.most, holders.now);
        await server.client.ping();
        holders.now -= 1;
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => contender(apps[index % 5] as Lovage)));
    expect(fences).toHaveLength(1_000);
    expect(fences.filter((fence, index) => index > 0 && fence <= (fences[index - 1] as number))).toEqual([]);
    expect(holders.most).toBe(1);
  }, 120_000);

  it('control: without the lock they meet', async () => {
    const holders = { now: 0, most: 0 };
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        holders.now += 1;
        holders.most = Math.max(holders.most, holders.now);
        await server.client.ping();
        holders.now -= 1;
      }),
    );
    expect(holders.most).toBeGreaterThan(1);
  });
});

it('a holder that is killed is followed within its lease and a second', async () => {
  const prefix = `t${newTaskId()}`;
  const app = openApp(prefix);
  const holder = spawn({ role: 'lock', prefix, ttl: 1_500 });
  await holder.said('held');
  const waiting = app.lock('held', { wait: '20s' });
  await holder.end('SIGKILL');
  const killedAt = performance.now();
  await (await waiting).release();
  expect(performance.now() - killedAt).toBeLessThan(2_500);
}, 60_000);

/** What leaders write, in the order they say it, as a register that may look at the fence takes it. */
class Register {
  fence = 0;
  refused = 0;
  backwards = 0;
  readonly #checks: boolean;
  readonly #read = new Map<BeatProcess, number>();

  constructor(checks: boolean) {
    this.#checks = checks;
  }

  read(leader: BeatProcess): void {
    const from = this.#read.get(leader) ?? 0;
    const lines = leader.lines.slice(from);
    this.#read.set(leader, from + lines.length);
    for (const line of lines) if (line.startsWith('writes ')) this.#write(Number(line.slice(7)));
  }

  #write(fence: number): void {
    const stale = fence < this.fence;
    if (stale && this.#checks) this.refused += 1;
    else {
      if (stale) this.backwards += 1;
      this.fence = fence;
    }
  }
}

describe('a leader that is stopped for longer than its lease, and then goes on writing', () => {
  async function stopLeader(checks: boolean): Promise<Register> {
    const prefix = `t${newTaskId()}`;
    const leaders = [spawn({ role: 'lead', prefix, ttl: 1_000 }), spawn({ role: 'lead', prefix, ttl: 1_000 })];
    const register = new Register(checks);
    const look = (): Register => {
      for (const leader of leaders) register.read(leader);
      return register;
    };
    const leading = (): BeatProcess | undefined => leaders.find(({ leads }) => leads);
    const first = (await until(leading, { timeout: 20_000, what: 'a leader' })) as BeatProcess;
    const second = leaders.find((leader) => leader !== first) as BeatProcess;
    await until(() => look().fence > 0, { what: 'a first write' });
    first.child.kill('SIGSTOP');
    await second.said('leads');
    await until(() => look().fence > 1, { what: 'a write of the second leader' });
    first.child.kill('SIGCONT');
    await until(() => look().refused + register.backwards > 0, { what: 'a stale write' });
    return register;
  }

  it('its writes are refused by the fence', async () => {
    expect(await stopLeader(true)).toMatchObject({ backwards: 0, refused: expect.any(Number) });
  }, 60_000);

  it('control: a register that does not look at the fence is written backwards', async () => {
    const { backwards, refused } = await stopLeader(false);
    expect([backwards > 0, refused]).toEqual([true, 0]);
  }, 60_000);
});
