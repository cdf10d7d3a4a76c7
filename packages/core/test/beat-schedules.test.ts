import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBeat } from '../src/beat/beat.ts';
import { Schedules } from '../src/beat/schedules.ts';
import { every } from '../src/index.ts';
import type { ScheduleOptions } from '../src/schedules/schedule.ts';
import { createTestClock, type TestClock } from '../src/testing.ts';
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

describe('schedules at run time', () => {
  it('are added, shown, paused, resumed, run and removed, and beat follows at once', async () => {
    const app = ticking();
    const extra = app.task('extra', (n: number) => void ran.push(n));
    await startWorker(app);
    await startBeat(app);
    const schedules = new Schedules(app);
    await pass(1);
    const added = await schedules.add('more', every('5s'), extra.s(-5));
    expect(added).toMatchObject({ source: 'api', state: 'active', whenText: 'every 5s', tasks: ['extra'] });
    expect((await schedules.list()).map(({ name, source }) => [name, source])).toEqual([
      ['more', 'api'],
      ['tick', 'code'],
    ]);
    await pass(11);
    expect(ran.filter((n) => n === -5)).toHaveLength(2);
    await schedules.pause('more');
    await schedules.pause('tick');
    expect((await schedules.show('tick')).state).toBe('paused');
    ran.length = 0;
    await pass(20);
    expect(ran).toEqual([]);
    await schedules.resume('tick');
    await pass(3);
    expect(ran, 'slots of the pause are not owed').toEqual([]);
    await pass(7);
    expect(ran).toEqual([40]);
    await schedules.run('more');
    await settle();
    expect(ran).toEqual([40, -5]);
    await schedules.remove('more');
    await expect(schedules.show('more')).rejects.toThrow('unknown schedule "more"');
    await expect(schedules.show('tic')).rejects.toThrow('did you mean "tick"?');
  });

  it('stay paused over a restart, and keep their last slot', async () => {
    const app = ticking();
    await startWorker(app);
    const beat = await startBeat(app);
    await pass(12);
    await new Schedules(app).pause('tick');
    await beat.close();
    const again = ticking();
    await startBeat(again);
    await pass(30);
    expect(ran).toEqual([10]);
    const shown = await new Schedules(again).show('tick');
    expect([shown.state, shown.lastSlot?.getTime()]).toEqual(['paused', startedAt + 10_000]);
  });

  it('refuse what cannot be sent, a taken name, and what code declares', async () => {
    const app = ticking();
    const extra = app.task('extra', (..._: unknown[]) => 1);
    const schedules = new Schedules(app);
    await expect(schedules.add('x', every('5s'), extra.s(new Date()) as never)).rejects.toMatchObject({
      name: 'PayloadNotSerializableError',
    });
    await expect(
      schedules.add('x', every('5s'), app.signature({ task: 'extr', args: [] } as never) as never),
    ).rejects.toThrow('did you mean "extra"?');
    await expect(schedules.add('tick', every('5s'), extra.s() as never)).rejects.toThrow('is declared in code');
    await schedules.add('x', every('5s'), extra.s() as never);
    await expect(schedules.add('x', every('5s'), extra.s() as never)).rejects.toThrow('pass replace: true');
    expect((await schedules.add('x', every('7s'), extra.s() as never, { replace: true })).whenText).toBe('every 7s');
    await expect(schedules.remove('tick')).rejects.toThrow('is declared in code: remove it there, or pause it');
    await expect(schedules.next('x', 0)).rejects.toThrow('a whole number from 1');
    expect((await schedules.next('x', 2)).map((date) => date.getTime() % 7000)).toEqual([0, 0]);
  });

  it('belong to one app, though the store is shared', async () => {
    const [shop, other] = [ticking(), bench.app('other')];
    const task = other.task('other', () => 1);
    await new Schedules(other).add('tick', every('5s'), task.s());
    await new Schedules(shop).pause('tick');
    expect((await new Schedules(other).list()).map(({ name, state }) => [name, state])).toEqual([['tick', 'active']]);
  });

  it('of code that is gone are shown as unknown, not fired, and can be removed', async () => {
    const app = ticking();
    const beat = await startBeat(app);
    await settle();
    await beat.close();
    const later = bench.app();
    later.task('tick', () => void ran.push(1));
    await startWorker(later);
    await startBeat(later);
    await pass(30);
    expect(ran).toEqual([]);
    const schedules = new Schedules(later);
    expect(await schedules.show('tick')).toMatchObject({ state: 'unknown', nextSlot: undefined });
    await schedules.remove('tick');
    expect(await schedules.list()).toEqual([]);
  });
});

describe('stored entries that cannot be read', () => {
  it.each([
    ['an unknown time zone', { kind: 'crontab', pattern: '* * * * *', tz: 'Mars/Olympus' }],
    ['a line that is no crontab', { kind: 'crontab', pattern: 'now and then' }],
    ['no times', { kind: 'never' }],
  ])('%s: the entry is set aside and named, the others are fired', async (_what, when) => {
    const app = ticking();
    const { schedules } = bench.connect();
    const options = { catchUp: 'skip', overlap: 'skip', jitter: 0, enabled: true };
    const signature = { task: 'tick', args: [] };
    const own = { v: 1, app: 'shop', name: 'bad', source: 'api', since: 0, when, options, signature };
    await schedules?.save({ name: 'shop/bad', definition: own, enabled: true });
    await startWorker(app);
    const beat = await startBeat(app);
    await pass(21);
    expect(ran).toEqual([10, 20]);
    expect(beat.health()).toMatchObject({ healthy: true, entries: 1, setAside: ['bad'] });
    const view = new Schedules(app);
    expect((await view.list()).map(({ name }) => name)).toEqual(['tick']);
    expect(await view.setAside()).toEqual(['bad']);
    await view.remove('bad');
    expect(await view.setAside()).toEqual([]);
    await pass(10);
    expect(beat.health().setAside).toEqual([]);
  });
});
