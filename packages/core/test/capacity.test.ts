import { describe, expect, it } from 'vitest';
import { sleep } from '../src/clock.ts';
import { Lovage } from '../src/index.ts';
import { type Capacity, type CapacityOptions, measureCapacity } from '../src/inspect.ts';
import { silentLogger } from '../src/logger.ts';
import { until } from '../src/testing/until.ts';
import { createTestClock } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';

/** Random numbers from a seed (mulberry32): every run of the test is the same. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Load {
  readonly slots: number;
  /** Calls a second, at random moments. */
  readonly rate: number;
  /** Mean milliseconds that a call takes, at random. */
  readonly service: number;
}

/** Runs real tasks on a real worker under a clock that a test moves, and measures them for `over` seconds. */
async function measured(
  { slots, rate, service }: Load,
  over: number,
  options: CapacityOptions = {},
): Promise<Capacity> {
  const clock = createTestClock();
  const random = createRandom(7);
  const drawn = (mean: number): number => Math.round(-mean * Math.log(1 - random()));
  const app = new Lovage('load', { broker: 'memory://', clock, logger: silentLogger });
  const work = app.task({ name: 'work', ignoreResult: true }, () => sleep(clock, drawn(service)));
  await startWorker(app, { concurrency: slots });
  let open = true;
  const call = (): void => {
    if (!open) return;
    void work.delay();
    clock.after(drawn(1000 / rate), call);
  };
  call();
  await clock.advance(20_000); // into its steady state
  const measuring = measureCapacity(app, 'default', { over: over * 1000, ...options });
  await clock.advance(over * 1000 + 1_000);
  open = false;
  const closing = app.close(); // ends within its drain, on this clock
  await clock.advance(60_000);
  await closing;
  return measuring;
}

describe('capacity, against a simulated load', () => {
  const load = { slots: 4, rate: 28, service: 100 };

  it('measures rates, and predicts waits, to within 15 %', { timeout: 60_000 }, async () => {
    const {
      arrivalRate,
      serviceTime,
      serviceVariation,
      utilisation,
      predicted,
      measured: seen,
    } = await measured(load, 1_200);
    const within = (value: number | undefined, of: number): void => {
      expect((value as number) / of).toBeGreaterThan(0.85);
      expect((value as number) / of).toBeLessThan(1.15);
    };
    within(arrivalRate, 28);
    within(serviceTime, 100);
    within(serviceVariation, 1);
    within(utilisation, 0.7);
    within(predicted.mean, seen.mean as number);
    within(predicted.p95, seen.p95 as number);
  });

  it('names the slots that keep a target, and one fewer does not', { timeout: 60_000 }, async () => {
    const target = 100;
    const { slotsNeeded } = await measured(load, 300, { waitP95: target });
    const slots = slotsNeeded as number;
    const enough = await measured({ ...load, slots }, 600);
    expect(enough.measured.p95).toBeLessThan(target * 1.15);
    const tooFew = await measured({ ...load, slots: slots - 1 }, 600);
    expect(tooFew.measured.p95).toBeGreaterThan(target);
  });

  it('says that a queue grows, and how many slots would stop it', async () => {
    const capacity = await measured({ ...load, slots: 2 }, 60, { waitP95: '1s' });
    expect(capacity.utilisation).toBeGreaterThan(1.2);
    expect(capacity.predicted).toEqual({ mean: Number.POSITIVE_INFINITY, p95: Number.POSITIVE_INFINITY });
    expect(capacity.endRate).toBeLessThan(capacity.arrivalRate);
    expect(capacity.slotsNeeded).toBeGreaterThanOrEqual(3);
  });
});

describe('capacity', () => {
  it('has nothing to say of service times before an attempt has ended', async () => {
    const clock = createTestClock();
    await using app = new Lovage('idle', { broker: 'memory://', clock, logger: silentLogger });
    app.task('work', () => 1);
    await startWorker(app, { concurrency: 3, queues: ['a', 'b'], name: 'w' });
    const measuring = measureCapacity(app, 'a', { over: '2s', waitP95: '1s' });
    await clock.advance(4_000);
    expect(await measuring).toEqual({
      queue: 'a',
      queues: ['a', 'b'],
      workers: ['w'],
      slots: 3,
      over: expect.any(Number),
      arrivalRate: 0,
      endRate: 0,
      waiting: 0,
      predicted: {},
      measured: {},
    });
  });

  it.each([
    [{ over: 0 }, 'capacity: over: expected a time above 0'],
    [{ waitP95: '-1s' }, 'capacity: waitP95'],
    [{ over: 10, timeout: 10 }, 'no worker of queue "nobody" answered: there is nothing to measure'],
  ])('refuses what cannot be measured: %j', async (options, message) => {
    await using app = new Lovage('none', { broker: 'memory://', logger: silentLogger });
    await expect(measureCapacity(app, 'nobody', options)).rejects.toThrow(message);
  });

  it('counts a batch as one holder of its slot', async () => {
    const clock = createTestClock();
    await using app = new Lovage('batches', { broker: 'memory://', clock, logger: silentLogger });
    const rows = app.batchTask({ name: 'rows', size: 10, wait: 1 }, () => sleep(clock, 500));
    const worker = await startWorker(app, { concurrency: 1 });
    const sent = rows.delayMany(Array.from({ length: 10 }, () => [] as []));
    await clock.advance(1_000);
    await sent;
    const { ended, busy } = worker.report().load['default'] ?? {};
    expect([ended, Math.round(busy ?? 0)]).toEqual([10, 500]);
  });
});

it('counts slots that are held by tasks which do not end', async () => {
  await using app = new Lovage('hung', { broker: 'memory://', logger: silentLogger });
  const hang = app.task('hang', () => new Promise(() => {}));
  const quick = app.task('quick', () => 'done');
  const worker = await startWorker(app, { concurrency: 4, drain: 0 });
  await Promise.all([hang.delay(), hang.delay()]);
  await until(() => worker.report().running.length === 2);
  await quick.call([]);
  const { utilisation, load } = await measureCapacity(app, 'default', { over: 400, timeout: 50 });
  expect(utilisation).toBeGreaterThan(0.35); // two of four, over a time that a busy machine stretches at its end
  expect(load).toBeLessThan(3);
});
