import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { BrokerMemoryError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { createTestClock, type TestClock } from '../testing/test-clock.ts';
import { until } from '../testing/until.ts';
import { startWorker } from '../worker/start-worker.ts';
import { digest } from './idempotency.ts';

let app: Lovage;
let clock: TestClock;
beforeEach(() => {
  clock = createTestClock();
  app = new Lovage('unique', { broker: 'memory://', logger: silentLogger, clock });
});
afterEach(() => app.close());

describe('the options unique, debounce and throttle', () => {
  it.each([
    [{ unique: 5 }, 'task "t": option unique: expected true or an object'],
    [{ unique: { scope: 'waiting' } }, 'option unique: option scope: expected "queued" or "running" or "window"'],
    [{ unique: { onConflict: 'drop' } }, 'option onConflict: expected "reuse" or "reject" or "replace"'],
    [{ unique: { scop: 'queued' } }, 'unknown option "scop": did you mean "scope"?'],
    [{ unique: { scope: 'window' } }, 'option unique: scope "window" needs a window'],
    [{ unique: { window: '1s' } }, "option unique: a window needs scope: 'window'"],
    [{ unique: { scope: 'window', window: -1 } }, 'option window: -1 is not a duration'],
    [{ unique: { scope: 'window', window: 0 } }, 'option window: expected a time above 0'],
    [{ unique: { scope: 'window', window: 1, onConflict: 'replace' } }, 'a window cannot replace'],
    [{ unique: { key: 5 } }, 'option key: expected a function of the arguments'],
    [{ debounce: '-1s' }, "'-1s' is not a duration"],
    [{ debounce: {} }, 'option debounce: the period is missing'],
    [{ debounce: { period: 500, timeout: 100 } }, 'timeout (100 ms) is below period (500 ms)'],
    [{ throttle: { period: 0 } }, 'option period: expected a time above 0'],
    [{ throttle: null }, 'option throttle: expected a duration, or an object with a period'],
    [{ unique: true, throttle: '1s' }, 'task "t": give one of unique and throttle, not both'],
    [{ debounce: '1s', idempotencyKey: () => 'k' }, 'no idempotencyKey with it'],
  ])('that cannot be are refused at the definition: %j', (options, message) => {
    expect(() => app.task({ name: 't', ...options } as never, () => 1)).toThrow(message);
  });

  it.each([
    [{ unique: { key: () => 'k' } }, 'the key of a call is a text'],
    [{ unique: { key: '' } }, 'option key: expected'],
    [{ unique: false, debounce: '1s' }, 'call of "t": give one of unique and debounce, not both'],
  ])('that cannot be are refused at the call: %j', async (options, message) => {
    const task = app.task('t', () => 1);
    await expect(task.applyAsync([], options as never)).rejects.toThrow(message);
  });

  it.each([
    [
      () => {
        throw new Error('no id');
      },
      'task "t": option key of unique threw: no id',
    ],
    [() => 5 as never, 'task "t": option key of unique gave 5: expected a non-empty, well-formed text, or undefined'],
  ])('fail the call whose key function is wrong, before anything is sent %#', async (key, message) => {
    const task = app.task({ name: 't', unique: { key } }, () => 1);
    await expect(task.delay()).rejects.toMatchObject({ name: 'ConfigurationError', message });
    const { monitor } = await runtimeOf(app).stores.open();
    expect(await monitor?.counts(['default'])).toMatchObject([{ waiting: 0 }]);
  });

  it('keep a debounced call from having a moment of its own', async () => {
    const task = app.task({ name: 't', debounce: '1s' }, () => 1);
    await expect(task.applyAsync([], { countdown: 5 })).rejects.toThrow('debounce sets the moment of a call');
  });

  it('leave a call alone whose key is undefined', async () => {
    const task = app.task({ name: 't', unique: { key: ([key]) => key } }, (_key?: string) => 1);
    expect((await task.delay()).id).not.toBe((await task.delay()).id);
  });

  it.each([
    ['a chain', () => [unique().s().pipe(plain().si())]],
    [
      'a group',
      () =>
        [unique().s()].map((member) =>
          plain()
            .si()
            .pipe(member as never),
        ),
    ],
    ['a map', () => [unique().starmap([[]])]],
  ])('keep a task out of %s', async (_where, canvases) => {
    for (const canvas of canvases()) {
      await expect(canvas.delay()).rejects.toThrow(
        'task "u" is unique (unique, debounce or throttle), so it cannot be',
      );
    }
  });

  it('keep a task from having links', async () => {
    await expect(unique().applyAsync([], { link: plain().si() })).rejects.toThrow('task "u" is unique');
  });
});

const unique = () => app.task({ name: 'u', unique: true }, () => 1);
const plain = () => app.task('p', () => 1);

describe('a unique call', () => {
  it('that is refused by the broker gives the key back', async () => {
    const task = unique();
    const { broker } = await runtimeOf(app).stores.open();
    const publish = broker.publish.bind(broker);
    broker.publish = async () => {
      throw new BrokerMemoryError('full');
    };
    await expect(task.delay()).rejects.toThrow('full');
    broker.publish = publish;
    expect(await holder('u')).toBeUndefined();
    await task.delay();
  });

  it('whose replacement is refused keeps its key', async () => {
    const task = app.task({ name: 'r', unique: { onConflict: 'replace' } }, () => 1);
    const first = await task.delay();
    const { broker } = await runtimeOf(app).stores.open();
    broker.publish = async () => {
      throw new BrokerMemoryError('full');
    };
    await expect(task.delay()).rejects.toThrow('full');
    expect(await holder('r')).toBe(first.id);
    expect(await first.state()).toBe('SENT');
  });

  it('whose sender died before it was sent frees its key in time; until then others send it for it', async () => {
    let runs = 0;
    const task = app.task({ name: 'd', unique: true }, () => ++runs);
    const stores = await runtimeOf(app).stores.open();
    const publish = stores.broker.publish.bind(stores.broker);
    const died = new AbortController();
    const dies = () =>
      new Promise<never>((_, reject) => died.signal.addEventListener('abort', () => reject(died.signal.reason)));
    stores.broker.publish = dies; // with the key in its hand
    task.delay().catch(() => {});
    const dead = await until(() => holder('d'), { what: 'the claim' });
    stores.broker.publish = publish;
    const answered = await task.delay(); // accepted under the dead one's id
    expect(answered.id).toBe(dead);
    await startWorker(app);
    expect(await answered.get()).toBe(1);

    stores.broker.publish = dies;
    task.delay().catch(() => {});
    const gone = await until(() => holder('d'), { what: 'the claim' });
    stores.broker.publish = publish;
    await clock.advance(10_001);
    const next = await task.delay();
    expect(next.id).not.toBe(gone);
    expect(await next.get()).toBe(2);
    died.abort(); // close() waits for what was sent before it
  });

  it('meets a claim of a task that the broker lost, and takes its key', async () => {
    const task = unique();
    const first = await task.delay();
    const { monitor } = await runtimeOf(app).stores.open();
    await monitor?.remove?.([first.id]);
    expect((await task.delay()).id).not.toBe(first.id);
  });
});

/** The id that holds the key of a task without arguments. */
async function holder(task: string): Promise<string | undefined> {
  const { uniqueKeys } = await runtimeOf(app).stores.open();
  return uniqueKeys?.confirm(digest([task, []]), 'nobody');
}
