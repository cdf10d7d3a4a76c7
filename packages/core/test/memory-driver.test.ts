import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../src/clock.ts';
import type { Settlement } from '../src/driver/broker.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { BrokerUrlError, ClosedError, PublishError } from '../src/errors.ts';
import { createTestClock, deferred, injectRaw, loseLease, until } from '../src/testing.ts';
import { acking, consume, createContext, createMessage, openMemory } from './memory-context.ts';

describe('a memory URL', () => {
  it('without a name opens a store of its own', async () => {
    const [one, two] = [openMemory(), openMemory()];
    await one.broker.publish([createMessage()]);
    expect(await one.monitor.counts(['q'])).toMatchObject([{ waiting: 1 }]);
    expect(await two.monitor.counts(['q'])).toMatchObject([{ waiting: 0 }]);
    expect(one.display).toBe('memory://');
  });

  it('with a name is one store per process', async () => {
    const [one, two] = [openMemory(systemClock, 'memory://shop'), openMemory(systemClock, 'memory://shop/')];
    const message = createMessage();
    await one.broker.publish([message]);
    await one.close(0);
    expect(await two.monitor.locate([message.id])).toEqual(['waiting']);
    expect(two.display).toBe('memory://shop');
  });

  it('names another store under another name, prefix or clock', async () => {
    const first = openMemory(systemClock, 'memory://many');
    await first.broker.publish([createMessage()]);
    const others = [
      openMemory(systemClock, 'memory://Many'),
      openMemory(systemClock, 'memory://many', 'prefix'),
      openMemory(createTestClock(), 'memory://many'),
    ];
    for (const other of others) expect(await other.monitor.queues()).toEqual([]);
  });

  it.each(['memory://a/b', 'memory://a?x=1', 'memory://a#b', 'redis://', 'memory', '', 'memory:/ /x'])(
    'cannot be %j',
    (url) => {
      expect(() => memoryDriver.connect(url, createContext())).toThrow(BrokerUrlError);
    },
  );
});

describe('a memory connection', () => {
  it('answers a check and warns that nothing lasts', async () => {
    const report = await openMemory().check(1000);
    expect(report.version).toBe('in process');
    expect(report.warnings).toHaveLength(1);
  });

  it('refuses everything once it is closed, and closes twice', async () => {
    const connection = openMemory();
    await connection.close(100);
    await connection.close(100);
    const { broker, results, bus, leases, schedules, monitor } = connection;
    const calls = [
      () => broker.publish([createMessage()]),
      () => consume(connection, acking()),
      () => results.get(['a']),
      () => results.put([]),
      () => results.watch('a', () => {}),
      () => bus.publish('a', 1),
      () => bus.subscribe('a', () => {}),
      () => leases.acquire('a', 'b', 1),
      () => schedules.list(),
      () => monitor.queues(),
      () => connection.check(1),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(ClosedError);
  });

  it('ends only its own subscriptions and consumers', async () => {
    const [one, two] = [openMemory(systemClock, 'memory://ends'), openMemory(systemClock, 'memory://ends')];
    const heard: string[] = [];
    await one.bus.subscribe('a', () => heard.push('one'));
    await two.bus.subscribe('a', () => heard.push('two'));
    const ran: string[] = [];
    await consume(
      one,
      acking(() => ran.push('one')),
    );
    await consume(
      two,
      acking(() => ran.push('two')),
    );
    await one.close(100);
    await two.bus.publish('a', 1);
    await two.broker.publish([createMessage(), createMessage()]);
    await until(() => heard.length > 0 && ran.length > 1);
    expect([heard, ran]).toEqual([['two'], ['two', 'two']]);
    await two.close(100);
  });

  it('leaves no timer on its clock', async () => {
    const clock = createTestClock();
    const connection = openMemory(clock);
    const never = deferred<Settlement>();
    await connection.broker.publish([createMessage(), createMessage({ eta: clock.now() + 60_000 })]);
    await connection.results.put([
      { record: { id: 'r', task: 't', state: 'SUCCESS', attempts: 1, at: 1 }, ttl: 60_000 },
    ]);
    await connection.leases.acquire('beat', 'a', 60_000);
    await consume(connection, () => never.promise);
    await clock.advance(0);
    expect(clock.pending).toBe(2); // the consumer's own, and the next delayed message
    const closing = connection.close(500);
    await clock.advance(500);
    await closing;
    expect(clock.pending).toBe(0);
    expect(await openMemory(clock).check(1)).toBeDefined();
  });

  it('holds the process while a consumer is open, and not otherwise', async () => {
    const held = new Set<symbol>();
    const clock: Clock = {
      ...systemClock,
      after(ms, fn, options) {
        const key = Symbol('timer');
        if (!options?.background) held.add(key);
        const end = (then: () => void) => () => {
          held.delete(key);
          then();
        };
        const timer = systemClock.after(ms, end(fn), options);
        return { cancel: end(() => timer.cancel()) };
      },
    };
    const connection = openMemory(clock);
    await connection.broker.publish([createMessage({ eta: Date.now() + 60_000 })]);
    expect(held.size).toBe(0);
    const consumer = await consume(connection, acking());
    expect(held.size).toBe(1);
    await consumer.close(1000);
    expect(held.size).toBe(0);
    await connection.close(0);
  });
});

describe('publishing to memory', () => {
  it('sends what JSON makes of a message', async () => {
    const connection = openMemory();
    const args = [new Date(0), { gone: undefined, kept: 1 }] as unknown as [];
    await connection.broker.publish([createMessage({ args })]);
    const got = deferred<readonly unknown[]>();
    await consume(
      connection,
      acking(({ message }) => got.resolve(message.args)),
    );
    expect(await got.promise).toEqual(['1970-01-01T00:00:00.000Z', { kept: 1 }]);
    await connection.close(100);
  });

  it('names the messages it refuses and takes the others', async () => {
    const connection = openMemory();
    const [good, bad] = [createMessage(), createMessage({ args: [10n] as unknown as [] })];
    const error = await connection.broker.publish([bad, good]).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishError);
    expect([...(error as PublishError).failures.keys()]).toEqual([bad.id]);
    expect(await connection.monitor.locate([bad.id, good.id])).toEqual([undefined, 'waiting']);
  });

  it('is quick for a hundred thousand messages, and lets the process breathe', async () => {
    const connection = openMemory();
    const total = 100_000;
    const start = performance.now();
    await connection.broker.publish(Array.from({ length: total }, (_, n) => createMessage({ priority: n % 10 })));
    let ran = 0;
    let breaths = 0;
    const breathe = (): void => {
      breaths += 1;
      if (ran < total) setImmediate(breathe);
    };
    setImmediate(breathe);
    await consume(
      connection,
      acking(() => ++ran),
      { slots: 50 },
    );
    await until(() => ran === total, { timeout: 15_000, what: () => `all messages, got ${ran}` });
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(breaths).toBeGreaterThan(100);
    await connection.close(100);
  });

  it('keeps ten thousand dead letters of a queue', async () => {
    const connection = openMemory();
    await connection.broker.publish(Array.from({ length: 10_050 }, (_, n) => createMessage({ id: `m${n}` })));
    await consume(connection, async () => ({ kind: 'deadLetter', reason: { name: 'R', message: 'r' } }), { slots: 50 });
    await until(async () => (await connection.monitor.counts(['q']))[0]?.waiting === 0);
    const letters = await connection.monitor.deadLetters('q', 20_000);
    expect(letters).toHaveLength(10_000);
    expect([letters[0]?.id, letters.at(-1)?.id]).toEqual(['m10049', 'm50']);
    await connection.close(100);
  });
});

describe('the test hooks', () => {
  it('refuse what they cannot do', async () => {
    const connection = openMemory();
    expect(() => loseLease(connection, 'nobody')).toThrow(/not running/);
    expect(() => injectRaw({ ...connection, display: 'other' } as never, 'q', '{}')).toThrow(/no memory connection/);
  });

  it('put a well-formed body in like any message', async () => {
    const connection = openMemory();
    const message = createMessage({ priority: 3 });
    injectRaw(connection, 'q', JSON.stringify(message));
    await connection.broker.publish([message]); // its id is known
    expect(await connection.monitor.counts(['q'])).toMatchObject([{ waiting: 1 }]);
    expect(await connection.monitor.purge('q')).toEqual([message.id]);
  });
});
