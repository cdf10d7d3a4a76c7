import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import type { Lock, Lovage } from '../src/index.ts';
import type { Election } from '../src/locks/elect.ts';
import { createTestClock, type TestClock, within } from '../src/testing.ts';
import { BeatBench, FencedResource } from './beat-bench.ts';

let clock: TestClock;
let bench: BeatBench;

beforeEach(() => {
  clock = createTestClock();
  bench = new BeatBench(clock);
});
afterEach(async () => {
  const closing = bench.close();
  await clock.advance(20_000); // leaders that wait for the clock
  await closing;
});

/** Lets time pass in small steps. */
async function pass(ms: number): Promise<void> {
  for (let step = 0; step < ms; step += 100) await clock.advance(Math.min(100, ms - step));
}

/** What a promise came to, without waiting for it. */
function watch<T>(work: Promise<T>): { value?: T; error?: unknown } {
  const seen: { value?: T; error?: unknown } = {};
  work.then(
    (value) => {
      seen.value = value;
    },
    (error: unknown) => {
      seen.error = error;
    },
  );
  return seen;
}

describe('a lock', () => {
  it('has one holder at a time, and a fence that grows with every grant', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const first = await a.lock('invoices');
    const waiting = watch(b.lock('invoices'));
    await pass(2_000);
    expect(waiting.value).toBeUndefined();
    await first.release();
    await pass(500);
    expect(waiting.value?.fence).toBeGreaterThan(first.fence);
    expect([first.held, waiting.value?.held]).toEqual([false, true]);
    await waiting.value?.release();
  });

  it('is renewed for as long as it is held', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const lock = await a.lock('x', { ttl: '1s' });
    await pass(10_000);
    expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
    await expect(b.lock('x', { wait: 0 })).rejects.toMatchObject({ name: 'LockTimeoutError', lock: 'x' });
    await lock.release();
    await (await b.lock('x', { wait: 0 })).release();
  });

  it('is let go by await using, also when it was released before', async () => {
    const app = bench.app();
    {
      await using lock = await app.lock('x');
      expect(lock.held).toBe(true);
    }
    {
      await using lock = await app.lock('x', { wait: 0 });
      await lock.release();
    }
    await (await app.lock('x', { wait: 0 })).release();
  });

  it('waits as long as it was told', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const lock = await a.lock('x');
    const [second, ever] = [watch(b.lock('x', { wait: '1s' })), watch(b.lock('x', { wait: null }))];
    await pass(1_500);
    expect(second.error).toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: 'lock "x" was not free within 1000 ms (option wait)',
    });
    await pass(100_000);
    expect(ever).toEqual({});
    await lock.release();
    await pass(1_000);
    expect(ever.value?.held).toBe(true);
  });

  it('ends the wait when the signal aborts', async () => {
    const app = bench.app();
    const lock = await app.lock('x');
    const controller = new AbortController();
    const waiting = watch(app.lock('x', { wait: null, signal: controller.signal }));
    await pass(1_000);
    controller.abort(new Error('enough'));
    await pass(100);
    expect(waiting.error).toMatchObject({ message: 'enough' });
    await expect(app.lock('x', { signal: controller.signal })).rejects.toThrow('enough');
    await lock.release();
    await (await app.lock('x', { wait: 0 })).release();
  });

  it('that cannot be renewed is given up before the store gives it to another', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const lock = await a.lock('x', { ttl: '10s' });
    await pass(1_000);
    a.process.pause();
    const waiting = watch(b.lock('x', { wait: null }));
    await pass(7_900);
    expect([lock.held, lock.signal.aborted]).toEqual([true, false]);
    await pass(200);
    expect([lock.held, lock.signal.aborted, waiting.value]).toEqual([false, true, undefined]);
    expect(lock.signal.reason).toMatchObject({ name: 'LockLostError', code: 'LOCK_LOST', lock: 'x' });
    await pass(2_000);
    expect(waiting.value?.fence).toBeGreaterThan(lock.fence);
    a.process.resume();
    await pass(100);
    await expect(lock.release()).rejects.toMatchObject({ name: 'LockLostError' });
    expect(waiting.value?.held).toBe(true);
  });

  it('refuses to be released or extended twice, and leaves the next holder alone', async () => {
    const app = bench.app();
    const lock = await app.lock('x');
    await lock.release();
    const next = await app.lock('x');
    await expect(lock.release()).rejects.toMatchObject({
      name: 'LockReleasedError',
      message: 'cannot release lock "x": it was released before',
    });
    await expect(lock.extend('1s')).rejects.toMatchObject({ code: 'LOCK_RELEASED' });
    expect(next.held).toBe(true);
    await next.release();
  });

  it('that was cut short is trusted no longer than the store keeps it', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const [x, y] = [await a.lock('x', { ttl: '1m' }), await a.lock('y', { ttl: '1m' })];
    await x.extend('2s');
    a.process.pause();
    watch(y.extend('2s')); // is never answered
    await pass(2_100);
    await (await b.lock('x', { wait: 0 })).release();
    expect([x.held, x.signal.aborted, y.held, y.signal.aborted]).toEqual([false, true, false, true]);
    a.process.resume();
  });

  it('can be extended', async () => {
    const [a, b] = [bench.app(), bench.app()];
    const lock = await a.lock('x', { ttl: '1s' });
    await lock.extend('1m');
    a.process.pause();
    await pass(30_000);
    expect(lock.held).toBe(true);
    await expect(b.lock('x', { wait: 0 })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    a.process.resume();
    await pass(100);
    await lock.release();
  });

  it.each([
    [() => bench.app().lock(''), 'app.lock(names): expected a non-empty, well-formed name'],
    [() => bench.app().lock([]), 'app.lock(names): expected a non-empty, well-formed name'],
    [() => bench.app().lock('x', { ttl: 5 }), 'lock "x": option ttl: 5 ms is too short for a lease: at least 100 ms'],
    [() => bench.app().lock('x', { wait: -1 }), 'not a duration'],
    [() => bench.app().lock('x', { tll: 1 } as object), 'unknown option "tll": did you mean "ttl"?'],
    [() => bench.app().lock('x', { signal: {} as AbortSignal }), 'expected an AbortSignal'],
  ])('refuses bad input %#', async (work, message) => {
    await expect(work()).rejects.toThrow(message);
  });
});

describe('several locks at once', () => {
  it('are taken in one order, and all given back', async () => {
    const app = bench.app();
    const lock = await app.lock(['b', 'a', 'b']);
    expect(lock.names).toEqual(['a', 'b']);
    expect(Object.keys(lock.fences)).toEqual(['a', 'b']);
    for (const name of ['a', 'b'])
      await expect(app.lock(name, { wait: 0 })).rejects.toThrow(`lock "${name}" was not free`);
    await lock.release();
    await (await app.lock(['a', 'b'], { wait: 0 })).release();
  });

  it('leave nothing behind when one of them is not free in time', async () => {
    const app = bench.app();
    const b = await app.lock('b');
    const both = watch(app.lock(['a', 'b'], { wait: '1s' }));
    await pass(2_000);
    expect(both.error).toMatchObject({ lock: 'b' });
    await (await app.lock('a', { wait: 0 })).release();
    await b.release();
  });
});

/** What 50 contenders write down, outside the store. */
class GrantLedger {
  grants = 0;
  most = 0;
  backwards = 0;
  readonly #inside = new Map<string, number>();
  readonly #fences = new Map<string, number>();

  enter(fences: Readonly<Record<string, number>>): void {
    for (const [name, fence] of Object.entries(fences)) {
      this.grants += 1;
      this.#inside.set(name, (this.#inside.get(name) ?? 0) + 1);
      this.most = Math.max(this.most, this.#inside.get(name) as number);
      if (fence <= (this.#fences.get(name) ?? 0)) this.backwards += 1;
      this.#fences.set(name, fence);
    }
  }

  leave(names: readonly string[]): void {
    for (const name of names) this.#inside.set(name, (this.#inside.get(name) as number) - 1);
  }
}

describe('contenders', () => {
  /** 50 contenders in 5 processes, each taking two of three locks `rounds` times; `split` says how it asks for them. */
  async function contend(
    real: BeatBench,
    rounds: number,
    split: (names: string[]) => string[][],
  ): Promise<GrantLedger> {
    const ledger = new GrantLedger();
    const apps = Array.from({ length: 5 }, () => real.app());
    const contender = async (app: Lovage, names: string[]): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const held: Lock[] = [];
        for (const part of split(names)) held.push(await app.lock(part, { wait: '15s' }));
        for (const { fences } of held) ledger.enter(fences);
        await new Promise(setImmediate);
        ledger.leave(names);
        for (const lock of held) await lock.release();
      }
    };
    const all = Array.from({ length: 10 }, () => apps).flat();
    await Promise.all(all.map((app, index) => contender(app, [`l${index % 3}`, `l${(index + 1) % 3}`])));
    return ledger;
  }

  it('50 × 100 of two locks each: 10,000 grants, one holder at a time, fences that only grow, no deadlock', async () => {
    const real = new BeatBench(systemClock);
    const ledger = await within(
      contend(real, 100, (names) => [names]),
      { timeout: 60_000, what: '10,000 grants' },
    );
    expect([ledger.grants, ledger.most, ledger.backwards]).toEqual([10_000, 1, 0]);
    await real.close();
  }, 90_000);

  it('control: the same two locks taken one after the other in the order given wait for each other', async () => {
    const real = new BeatBench(systemClock);
    const work = contend(real, 100, (names) => names.map((name) => [name]));
    await expect(within(work, { timeout: 3_000, what: 'a deadlock' })).rejects.toThrow('waited 3000 ms for a deadlock');
    work.catch(() => {}); // its waits run out later
    await real.close();
  }, 90_000);
});

describe('an election', () => {
  interface Candidate {
    readonly election: Election;
    readonly app: ReturnType<BeatBench['app']>;
    readonly log: string[];
  }
  /** A candidate that writes to `resource` every second while it leads, as its signal allows. */
  function stand(resource?: FencedResource, name = 'x'): Candidate {
    const app = bench.app();
    const log: string[] = [];
    const election = app.elect('primary', {
      ttl: '10s',
      onLeader: async (signal, fence) => {
        log.push(`leads ${fence}`);
        for (let n = 0; n < 100 && !signal.aborted; n += 1) {
          resource?.write(name, fence);
          await new Promise<void>((resolve) => void clock.after(1_000, resolve));
        }
        log.push('stops');
      },
    });
    return { election, app, log };
  }

  it('has one leader; the next takes over at once when it is closed', async () => {
    const [a, b] = [stand(), stand()];
    await pass(2_000);
    expect([a.election.leading, b.election.leading]).toEqual([true, false]);
    const closing = a.election.close();
    await pass(1_100); // the leader's work ends with its present step
    await closing;
    await pass(500);
    expect([a.log, b.log]).toEqual([['leads 1', 'stops'], ['leads 2']]);
    expect([a.election.leading, b.election.leading, b.election.fence]).toEqual([false, true, 2]);
  });

  it('passes to the next within the lease and a second when the leader is lost', async () => {
    const [a, b] = [stand(), stand()];
    await pass(2_000);
    a.app.process.kill();
    await pass(7_500);
    expect([a.election.leading, b.election.leading]).toEqual([false, false]);
    await pass(2_000);
    expect([a.election.leading, b.election.leading]).toEqual([false, true]);
    expect(a.log).toEqual(['leads 1', 'stops']);
  });

  it('a leader whose work throws steps down for another', async () => {
    const app = bench.app();
    const fails = app.elect('primary', { ttl: '10s', onLeader: () => Promise.reject(new Error('no')) });
    await pass(100);
    const other = stand();
    await pass(1_000);
    expect([fails.leading, other.election.leading]).toEqual([false, true]);
  });

  it('a leader that ends with an error when it is told to stop stands again at once', async () => {
    const app = bench.app();
    const fences: number[] = [];
    app.elect('primary', {
      ttl: '10s',
      onLeader: (signal, fence) => {
        fences.push(fence);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    await pass(1_000);
    app.process.pause();
    await pass(10_000);
    app.process.resume(); // the lease was lost meanwhile
    await pass(1_000);
    expect(fences).toEqual([1, 2]);
  });

  it('ends within the grace and a second while the store does not answer', async () => {
    const app = bench.app();
    const election = app.elect('primary', { onLeader: () => new Promise(() => {}) });
    await pass(1_000);
    app.process.pause();
    const closing = watch(election.close().then(() => 'closed'));
    await pass(6_000);
    expect(closing.value).toBe('closed');
  });

  it('a leader that was paused writes under an old fence, and the resource refuses it', async () => {
    const resource = new FencedResource();
    const { stale } = await pausedLeader(resource);
    expect(stale).toEqual([{ by: 'a', fence: 1 }]);
    expect(resource.writes.map(({ fence }) => fence)).toEqual(resource.writes.map(({ fence }) => fence).toSorted());
  });

  it('control: a resource that does not look at the fence takes the stale write', async () => {
    const resource = new FencedResource(false);
    const { stale } = await pausedLeader(resource);
    expect(stale).toEqual([]);
    expect(resource.writes.at(-1)).toEqual({ by: 'a', fence: 1 });
  });

  /** Leader a stops in the middle of its work, b takes over and writes, then a goes on as if nothing had been. */
  async function pausedLeader(resource: FencedResource) {
    const a = bench.app();
    let goOn: () => void = () => {};
    a.elect('primary', {
      ttl: '10s',
      onLeader: async (_signal, fence) => {
        resource.write('a', fence);
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        resource.write('a', fence);
      },
    });
    await pass(1_000);
    a.process.pause();
    const b = stand(resource, 'b');
    await pass(15_000);
    expect(b.election.leading).toBe(true);
    goOn();
    await pass(0);
    return { stale: resource.refused };
  }

  it.each([
    [{}, 'election "e": the option onLeader is missing'],
    [{ onLeader: 1 }, 'option onLeader: expected a function (signal, fence)'],
    [{ onLeader: () => {}, ttl: 1 }, '1 ms is too short for a lease'],
    [{ onLeder: () => {} }, 'did you mean "onLeader"?'],
  ])('refuses bad options %#', (options, message) => {
    expect(() => bench.app().elect('e', options as never)).toThrow(message);
  });
});
