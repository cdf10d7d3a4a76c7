import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimeOf } from '../src/app/app-runtime.ts';
import { type Beat, startBeat } from '../src/beat/beat.ts';
import { slotId, slotJitter } from '../src/beat/slot-id.ts';
import { at, chain, crontab, currentTask, every, Lovage } from '../src/index.ts';
import { silentLogger } from '../src/logger.ts';
import type { ScheduleOptions } from '../src/schedules/schedule.ts';
import { createTestClock, deferred, type TestClock } from '../src/testing.ts';
import { startWorker } from '../src/worker/start-worker.ts';
import { BeatBench } from './beat-bench.ts';

let clock: TestClock;
let bench: BeatBench;
/** The slots that were run, as seconds since the clock's start, in the order of their runs. */
let ran: number[];
let startedAt: number;

beforeEach(() => {
  clock = createTestClock();
  bench = new BeatBench(clock);
  ran = [];
  startedAt = clock.now();
});
afterEach(() => bench.close());

/** An app with the entry `tick`, every 10 s, whose runs are written down. */
function ticking(options: ScheduleOptions = {}, handler: () => unknown = () => {}): ReturnType<BeatBench['app']> {
  const app = bench.app();
  const tick = app.task({ name: 'tick', bind: true }, async (self) => {
    const { slot } = self.headers['schedule'] as { slot: number };
    ran.push((slot - startedAt) / 1000);
    await handler();
  });
  app.schedule('tick', every('10s'), tick.s(), options);
  return app;
}

/** Lets time pass in steps, so that timers of timers run too. */
async function pass(seconds: number): Promise<void> {
  for (let step = 0; step < seconds * 2; step += 1) await clock.advance(500);
}

const settle = (): Promise<void> => clock.advance(0);

describe('a beat', () => {
  it('fires each slot once, under an id of entry and slot, with the schedule in the headers', async () => {
    const app = bench.app();
    const seen: unknown[] = [];
    const tick = app.task('tick', (x: number) => void seen.push([x, currentTask().id, currentTask().headers]));
    app.schedule('every ten', every('10s'), tick.s(7).set({ headers: { own: 1 } }));
    await startWorker(app);
    await startBeat(app);
    await pass(25);
    expect(seen).toEqual(
      [10, 20].map((second) => {
        const slot = startedAt + second * 1000;
        return [7, `beat~shop~every~~20ten~${slot}`, { own: 1, schedule: { name: 'every ten', slot } }];
      }),
    );
  });

  it('is one of several: one leads, the others stand by, and close hands over at once', async () => {
    const apps = [ticking(), ticking(), ticking()];
    await startWorker(apps[0] as Lovage);
    const beats: Beat[] = [];
    for (const app of apps) {
      beats.push(await startBeat(app));
      await settle();
    }
    expect(beats.map(({ leading }) => leading)).toEqual([true, false, false]);
    await pass(15);
    const fences = [beats[0]?.health().fence];
    const closing = beats[0]?.close();
    await pass(0.5);
    await closing;
    expect(beats.map(({ leading }) => leading)).toEqual([false, true, false]);
    fences.push(beats[1]?.health().fence);
    expect(fences[1]).toBeGreaterThan(fences[0] as number);
    await pass(10);
    expect(ran).toEqual([10, 20]);
  });

  it('is followed within its lease and a second when it dies', async () => {
    const apps = [ticking(), ticking()];
    await startWorker(apps[1] as Lovage);
    const [first, second] = [await startBeat(apps[0] as Lovage), await startBeat(apps[1] as Lovage)];
    await pass(12);
    apps[0]?.process.kill();
    expect([first.leading, second.leading]).toEqual([true, false]);
    await pass(16);
    expect([first.leading, second.leading]).toEqual([false, true]);
    await pass(5);
    expect(ran).toEqual([10, 20, 30]);
  });

  it('fires no slot twice when two beats fire without asking who leads', async () => {
    const apps = [ticking(), ticking()];
    await startWorker(apps[0] as Lovage);
    for (const app of apps) await startBeat(app, { elect: false, refresh: '7s' });
    await pass(65);
    expect(ran).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('control: without ids made of the slot, the same two beats fire each slot twice', async () => {
    const apps = [ticking(), ticking()];
    await startWorker(apps[0] as Lovage);
    for (const app of apps) {
      const entry = runtimeEntry(app);
      const { applyAsync } = entry.signature;
      entry.signature.applyAsync = (args, options = {}) => {
        const { taskId: _, ...rest } = options;
        return applyAsync.call(entry.signature, args, rest);
      };
      await startBeat(app, { elect: false, refresh: '7s' });
    }
    await pass(25);
    expect(ran).toEqual([10, 10, 20, 20]);
  });

  it('ends with its app, and leaves no timer', async () => {
    const app = ticking();
    await startBeat(app);
    await pass(12);
    await app.close();
    const before = clock.pending;
    expect(before).toBe(0);
  });

  it('tries on when the store does not take a slot', async () => {
    const app = ticking();
    await startWorker(app);
    const beat = await startBeat(app, { elect: false });
    await pass(5);
    app.process.pause();
    await pass(12);
    expect(ran).toEqual([]);
    app.process.resume();
    await pass(2);
    expect(ran).toEqual([10]);
    expect(beat.health()).toMatchObject({ leading: true, healthy: true, entries: 1 });
  });
});

function runtimeEntry(app: Lovage): {
  signature: { applyAsync: (args: [], options?: { taskId?: string }) => Promise<unknown> };
} {
  return runtimeOf(app).schedules.get('tick') as never;
}

describe('slots that were missed', () => {
  async function missed(options: ScheduleOptions): Promise<number[]> {
    const app = ticking(options);
    await startWorker(app);
    await (await beatFor(app, 15)).close();
    await pass(45); // slots 20 to 60
    await beatFor(app, 6);
    return ran;
  }
  async function beatFor(app: Lovage, seconds: number) {
    const beat = await startBeat(app);
    await pass(seconds);
    return beat;
  }

  it('once: the newest of them is fired', async () => {
    expect(await missed({ catchUp: 'once' })).toEqual([10, 60]);
  });

  it('skip: what is recent is fired, an old one is not', async () => {
    expect(await missed({ catchUp: 'skip' })).toEqual([10, 60]);
    const app = bench.app();
    const runs: string[] = [];
    const hourly = app.task('hourly', () => void runs.push(new Date(clock.now()).toISOString().slice(11, 16)));
    app.schedule('skip', crontab('0 * * * *'), hourly.s(), { catchUp: 'skip' });
    await startWorker(app);
    await (await beatFor(app, 5)).close();
    await clock.advance(90 * 60_000);
    const beat = await beatFor(app, 60);
    await beat.close();
    expect(runs).toEqual([]);
  });

  it('all: the newest n, oldest first', async () => {
    expect(await missed({ catchUp: { all: 3 } })).toEqual([10, 40, 50, 60]);
  });

  it('all: every one, where n allows', async () => {
    expect(await missed({ catchUp: { all: 100 } })).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('nothing is owed for the time before an entry was first seen, or since its times were changed', async () => {
    const app = ticking({ catchUp: { all: 100 } });
    await startWorker(app);
    await pass(35);
    const beat = await beatFor(app, 10);
    expect(ran).toEqual([40]);
    await beat.close();
    await pass(20);
    const changed = bench.app();
    const tick = changed.task('tick', () => void ran.push(-1));
    changed.schedule('tick', every('5s'), tick.s(), { catchUp: { all: 100 } });
    await startWorker(changed);
    await beatFor(changed, 1);
    expect(ran).toEqual([40]);
  });
});

describe('a run that is not over when the next slot comes', () => {
  it('allow: they overlap', async () => {
    const gate = deferred();
    const app = ticking({ overlap: 'allow' }, () => gate.promise);
    await startWorker(app);
    await startBeat(app);
    await pass(32);
    expect(ran).toEqual([10, 20, 30]);
    gate.resolve();
  });

  it('skip: the slots meanwhile are dropped, by the next leader too', async () => {
    const gate = deferred();
    const app = ticking({ overlap: 'skip' }, () => (ran.length === 1 ? gate.promise : undefined));
    const worker = bench.app();
    worker.task({ name: 'tick', bind: true }, async (self) => {
      ran.push(((self.headers['schedule'] as { slot: number }).slot - startedAt) / 1000);
      if (ran.length === 1) await gate.promise;
    });
    await startWorker(worker);
    const beat = await startBeat(app);
    await pass(32);
    expect(ran).toEqual([10]);
    await beat.close();
    gate.resolve();
    await settle();
    await startBeat(app);
    await pass(5);
    expect(ran).toEqual([10]);
    await pass(5);
    expect(ran).toEqual([10, 40]);
  });

  it('queue: the newest waits for its end', async () => {
    const gate = deferred();
    const app = ticking({ overlap: 'queue', catchUp: 'skip' }, () => (ran.length === 1 ? gate.promise : undefined));
    await startWorker(app);
    await startBeat(app);
    await pass(75);
    expect(ran).toEqual([10]);
    gate.resolve();
    await pass(2);
    expect(ran).toEqual([10, 70]);
    await pass(5);
    expect(ran).toEqual([10, 70, 80]);
  });

  it('queue with all: none is left out, and they never overlap', async () => {
    let running = 0;
    let most = 0;
    const gates = [deferred(), deferred(), deferred()];
    const app = ticking({ overlap: 'queue', catchUp: { all: 10 } }, async () => {
      running += 1;
      most = Math.max(most, running);
      await gates[ran.length - 1]?.promise;
      running -= 1;
    });
    await startWorker(app);
    await startBeat(app);
    await pass(35);
    for (const gate of gates) {
      gate.resolve();
      await pass(1);
    }
    expect([ran.slice(0, 3), most]).toEqual([[10, 20, 30], 1]);
  });
});

describe('options of an entry', () => {
  it('start, end and enabled bound it', async () => {
    const app = ticking({ start: new Date(startedAt + 25_000), end: new Date(startedAt + 50_000) });
    app.schedule('off', every('1s'), app.task('off', () => void ran.push(-1)).s(), { enabled: false });
    await startWorker(app);
    await startBeat(app);
    await pass(60);
    expect(ran).toEqual([25, 35, 45]);
  });

  it('jitter delays each run by a part of it, the same for all who compute it', async () => {
    const times: number[] = [];
    const app = bench.app();
    const tick = app.task('tick', () => void times.push((clock.now() - startedAt) % 10_000));
    app.schedule('tick', every('10s'), tick.s(), { jitter: '4s' });
    await startWorker(app);
    await startBeat(app);
    await pass(100);
    expect(times.length).toBeGreaterThanOrEqual(9);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThanOrEqual(4_000);
    expect(new Set(times).size).toBeGreaterThan(5);
    expect(slotJitter('a', 4000)).toBe(slotJitter('a', 4000));
  });

  it('at fires once, also across restarts', async () => {
    const app = bench.app();
    const once = app.task('once', () => void ran.push(1));
    app.schedule('once', at(new Date(startedAt + 10_000)), once.s());
    await startWorker(app);
    const beat = await startBeat(app);
    await pass(12);
    await beat.close();
    await startBeat(app);
    await pass(12);
    expect(ran).toEqual([1]);
  });
});

describe('bad input', () => {
  it('is refused where it is given', () => {
    const app = bench.app();
    const tick = app.task('tick', () => 1);
    const declare = (name: unknown, when: unknown, signature: unknown, options?: object) => () =>
      app.schedule(name as string, when as never, signature as never, options);
    expect(declare('', every('1s'), tick.s())).toThrow("a schedule's name is well-formed text of 1 to 200 characters");
    expect(declare('a', '* * * * *', tick.s())).toThrow("the second parameter is every('30s'), crontab(");
    expect(declare('a', every('1s'), tick)).toThrow('the third parameter is a signature: task.s(…)');
    expect(declare('a', every('1s'), tick.s(), { catchup: 'once' })).toThrow('did you mean "catchUp"?');
    expect(declare('a', every('1s'), tick.s(), { catchUp: 'all' })).toThrow(
      'expected "skip", "once" or { all: 1–1000 }',
    );
    expect(declare('a', every('1s'), tick.s(), { catchUp: { all: 0 } })).toThrow('a whole number from 1 to 1000');
    expect(declare('a', every('1s'), tick.s(), { start: '2027-01-02T00:00Z', end: '2027-01-01T00:00Z' })).toThrow(
      'option end (2027-01-01T00:00:00.000Z) is not after start (2027-01-02T00:00:00.000Z)',
    );
    expect(declare('a', every('1s'), tick.s(), { jitter: -1 })).toThrow('not a duration');
    expect(declare('a', every('1s'), tick.s(), { tz: 'UTC' })).toThrow('option tz is for a crontab');
    app.schedule('a', every('1s'), tick.s());
    expect(declare('a', every('1s'), tick.s())).toThrow('schedule "a" is already declared in this app');
  });

  it('a schedule for an unknown task stops beat from starting; a stub is known', async () => {
    const app = bench.app();
    app.task('report.daily', () => 1);
    app.schedule('r', every('1s'), app.signature({ task: 'report.dayly', args: [] } as never) as never);
    await expect(startBeat(app)).rejects.toMatchObject({
      name: 'UnknownTaskError',
      message: 'unknown task "report.dayly": schedule "r" would send it; did you mean "report.daily"?',
    });
    const other = bench.app('other');
    other.schedule('r', every('1s'), other.remote<() => void>('elsewhere').s());
    await (await startBeat(other)).close();
  });
});

describe('ids of slots', () => {
  it('are task ids, and no two names share one', () => {
    const names = ['a', 'a b', 'a~b', 'a~~20b', 'ä', '日', 'x'.repeat(200), `${'x'.repeat(199)}y`, 'a.b', 'a-b', 'a_b'];
    const ids = names.map((name) => slotId('shop', name, 1_790_000_000_000));
    for (const id of ids) expect(id).toMatch(/^[\w.~-]{1,200}$/);
    expect(new Set(ids).size).toBe(names.length);
    expect(slotId('a', '7eb', 1)).not.toBe(slotId('a~b', '', 1));
  });
});

describe('what an entry sends', () => {
  it('may be a canvas: it runs once too, and overlap knows when the whole has ended', async () => {
    const apps = [bench.app(), bench.app()];
    const gate = deferred();
    const ends: number[] = [];
    for (const app of apps) {
      const first = app.task('first', () => 1);
      const last = app.task('last', async (n: number) => {
        ends.push(n);
        if (ends.length === 1) await gate.promise;
      });
      app.schedule('chain', every('10s'), chain(first.s(), last.s()), { overlap: 'skip' });
      await startWorker(app);
      await startBeat(app, { elect: false, refresh: '7s' });
    }
    await pass(35);
    expect(ends).toEqual([1]);
    gate.resolve();
    await pass(10);
    expect(ends).toEqual([1, 1]);
  });

  it('is sent by an app without results too', async () => {
    const app = new Lovage('bare', { broker: 'memory://bare', backend: 'none', clock, logger: silentLogger });
    let runs = 0;
    const tick = app.task('tick', () => {
      runs += 1;
    });
    app.schedule('tick', every('10s'), tick.s(), { overlap: 'skip' });
    await startWorker(app);
    await startBeat(app);
    await pass(25);
    expect(runs).toBe(2);
    await app.close();
  });
});
