import { afterEach, describe, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { silentLogger } from '../logger.ts';
import { Reject } from '../message/control-signal.ts';
import { newTaskId } from '../message/task-id.ts';
import { injectRaw } from '../testing/memory-hooks.ts';
import { createTestClock, type TestClock } from '../testing/test-clock.ts';
import { startWorker } from '../worker/start-worker.ts';
import { DeadLetters, type Replayed } from './dead-letters.ts';
import { Inspector } from './inspector.ts';

const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

interface Bench {
  readonly app: Lovage;
  readonly letters: DeadLetters;
  readonly clock: TestClock;
  /** What the accepting handler was called with. */
  readonly seen: unknown[][];
  /** Parks calls of a task: a worker runs that rejects everything. */
  park(task: string, ...calls: unknown[][]): Promise<readonly string[]>;
  /** Runs what waits, and accepts it. */
  accept(): Promise<void>;
}

function createBench(): Bench {
  const clock = createTestClock();
  const app = new Lovage('letters', { broker: `memory://${newTaskId()}`, clock, logger: silentLogger });
  open.push(app);
  let rejects = true;
  const seen: unknown[][] = [];
  for (const name of ['mail.send', 'mail.bounce', 'bill']) {
    app.task({ name, queue: name === 'bill' ? 'bills' : 'default', bind: true }, (self, ...args: unknown[]) => {
      if (rejects) throw new Reject('not now');
      seen.push([name, ...args, self.headers['replayOf']]);
    });
  }
  const run = async (): Promise<void> => {
    const worker = await startWorker(app, { queues: ['default', 'bills'] });
    const idle = async () =>
      (await new Inspector(app).queues()).every(({ waiting, running }) => waiting + running === 0);
    while (!(await idle())) await new Promise(setImmediate);
    await worker.close();
  };
  return {
    app,
    clock,
    seen,
    letters: new DeadLetters(app),
    async park(task, ...calls) {
      const ids: string[] = [];
      for (const args of calls) ids.push((await app.sendTask(task, args)).id);
      rejects = true;
      await run();
      return ids;
    },
    async accept() {
      rejects = false;
      await run();
    },
  };
}

async function all(replay: AsyncIterable<Replayed>): Promise<readonly Replayed[]> {
  const list: Replayed[] = [];
  for await (const one of replay) list.push(one);
  return list;
}

describe('dead letters', () => {
  it('are listed newest first, with filters', async () => {
    const { letters, park, clock } = createBench();
    const [first] = await park('mail.send', ['a']);
    await clock.advance(60_000);
    const [second] = await park('mail.bounce', ['b']);
    await clock.advance(60_000);
    const [third] = await park('bill', ['c']);
    const ids = async (filter: object) => (await letters.list(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual([third, second, first]);
    expect(await ids({ limit: 2 })).toEqual([third, second]);
    expect(await ids({ task: 'mail.*' })).toEqual([second, first]);
    expect(await ids({ task: 'mail.send' })).toEqual([first]);
    expect(await ids({ queues: ['bills', 'nobody'] })).toEqual([third]);
    expect(await ids({ ids: [second] })).toEqual([second]);
    expect(await ids({ reason: 'Reject' })).toEqual([third, second, first]);
    expect(await ids({ reason: 'Unknown*' })).toEqual([]);
    expect(await ids({ olderThan: '90s' })).toEqual([first]);
    expect(await ids({ newerThan: '90s' })).toEqual([third, second]);
    expect(await ids({ newerThan: '90s', olderThan: '30s' })).toEqual([second]);
    await expect(letters.list({ olderThan: 'soon' })).rejects.toThrow(/olderThan: 'soon' is not a duration/);
    await expect(letters.list({ limit: 0 })).rejects.toThrow(/limit/);
  });

  it('are sent again, oldest first, and go when they are', async () => {
    const { letters, park, accept, seen, app } = createBench();
    const ids = await park('mail.send', ...Array.from({ length: 120 }, (_, index) => [index]));
    const replayed = await all(letters.replay({}));
    expect(replayed.map(({ letter }) => letter.id)).toEqual(ids);
    expect(await letters.list()).toEqual([]);
    await accept();
    expect(seen).toEqual(ids.map((id, index) => ['mail.send', index, id]));
    const [first] = replayed;
    expect(first).toMatchObject({ kind: 'sent', task: 'mail.send', queue: 'default' });
    expect(await app.asyncResult(first?.kind === 'sent' ? first.id : '').state()).toBe('SUCCESS');
  });

  it('with a filter, a limit, other arguments and another queue', async () => {
    const { letters, park, accept, seen } = createBench();
    const [first, second] = await park('mail.send', ['a'], ['b']);
    await park('bill', ['c']);
    const [one, ...others] = await all(letters.replay({ task: 'mail.*' }, { limit: 1, args: ['z'], queue: 'bills' }));
    expect([one?.letter.id, others]).toEqual([first, []]);
    expect((await letters.list({ task: 'mail.*' })).map(({ id }) => id)).toEqual([second]);
    await accept();
    expect(seen).toEqual([['mail.send', 'z', first]]);
  });

  it('are left alone by a dry run', async () => {
    const { letters, park, accept, seen } = createBench();
    const ids = await park('mail.send', ['a'], ['b']);
    const shown = ids.map((id) => ({ kind: 'sent', letter: { id } }));
    expect(await all(letters.replay({}, { dryRun: true }))).toMatchObject(shown);
    expect(await all(letters.replay({}, { dryRun: true, rate: '1/h' }))).toMatchObject(shown); // at once
    await accept();
    expect(seen).toEqual([]);
    expect(await letters.list()).toHaveLength(2);
  });

  it('go no faster than the rate', async () => {
    const { letters, park, clock } = createBench();
    await park('mail.send', [1], [2], [3]);
    const times: number[] = [];
    const replay = letters.replay({}, { rate: '2/s' });
    for (let next = replay.next(); ; next = replay.next()) {
      if (times.length > 0) await clock.advance(500);
      if ((await next).done) break;
      times.push(clock.now());
    }
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 500, 1000]);
  });

  it('that cannot be sent stay, and say why', async () => {
    const { app, letters, park } = createBench();
    const validate = (value: unknown) =>
      (value as unknown[]).every((item) => typeof item === 'number')
        ? { value: value as number[] }
        : { issues: [{ message: 'expected numbers', path: [0] }] };
    const numbers = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    app.task({ name: 'strict', args: numbers as never }, (() => {
      throw new Reject('no');
    }) as never);
    const { brokerConnection } = await runtimeOf(app).stores.open();
    injectRaw(brokerConnection, 'default', 'not json');
    await park('strict', [1]);
    const problems = async (options: object) =>
      (await all(letters.replay({}, options))).map((one) => (one.kind === 'refused' ? one.problem : one.task));
    const malformed = expect.stringContaining('it is not JSON');
    expect(await problems({ args: ['x'] })).toEqual([malformed, expect.stringContaining('[0]: expected numbers')]);
    expect(await problems({ args: [new Date()] })).toEqual([malformed, expect.stringContaining('args[0]')]);
    expect(await letters.list()).toHaveLength(2);
    expect(await problems({})).toEqual([malformed, 'strict']);
    expect(await letters.list()).toHaveLength(1);
  });

  it('that come back at once are not sent round for ever', async () => {
    const { app, letters, park } = createBench();
    await park('mail.send', [1], [2], [3]);
    const worker = await startWorker(app);
    expect(await all(letters.replay({}))).toHaveLength(3);
    await worker.close();
  });

  it('that were sent before, and not removed then, run once', async () => {
    const { app, letters, park, accept, seen } = createBench();
    const [id] = await park('mail.send', ['a']);
    const { monitor } = await runtimeOf(app).stores.open();
    if (monitor === undefined) throw new Error('memory:// has a monitor');
    const remove = monitor.removeDeadLetters;
    monitor.removeDeadLetters = () => Promise.reject(new Error('gone'));
    await expect(all(letters.replay({}))).rejects.toThrow('gone');
    monitor.removeDeadLetters = remove;
    await accept();
    expect(await all(letters.replay({}))).toHaveLength(1);
    await accept();
    expect(seen).toEqual([['mail.send', 'a', id]]);
  });

  it('are purged, by filter or all', async () => {
    const { letters, park } = createBench();
    await park('mail.send', [1], [2]);
    await park('bill', [3]);
    expect(await letters.purge({ task: 'bill' })).toBe(1);
    expect(await letters.purge()).toBe(2);
    expect(await letters.list()).toEqual([]);
  });

  it.each([
    [{ rate: 'fast' }, /replay: rate: 'fast' is not a rate/],
    [{ queue: 'a:b' }, /replay: queue: expected a queue name/],
    [{ limit: 0 }, /replay: limit: expected a whole number/],
    [{ args: 'x' as never }, /replay: args: expected a list/],
  ])('are not replayed with %j', async (options, problem) => {
    const { letters } = createBench();
    await expect(all(letters.replay({}, options))).rejects.toThrow(problem);
  });
});
