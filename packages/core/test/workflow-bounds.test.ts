import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { Lovage } from '../src/app/app.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import type { Logger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { deferred, until } from '../src/testing/until.ts';
import { loseLease } from '../src/testing.ts';
import { startWorker } from '../src/worker/start-worker.ts';
import type { WorkflowContext } from '../src/workflow/workflow-context.ts';
import { createContext } from './memory-context.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const wait = { timeout: '20s' } as const;

/** An app on a broker of its own, and what it logs. */
function open(options: { readonly broker?: string; readonly maxResult?: number } = {}) {
  const lines: string[] = [];
  const note = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note, child: () => logger };
  const app = new Lovage('flows', { broker: `memory://${newTaskId()}`, logger, ...options });
  endings.push(() => app.close());
  return { app, lines };
}

const failureOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    (value) => {
      throw new Error(`it did not fail: ${JSON.stringify(value)}`);
    },
    (error: Error) => error,
  );

it('a run fails beyond its bounds by name, is warned at half, and continueAs begins anew', async () => {
  const { app, lines } = open();
  const many = app.workflow({ name: 'many', maxEntries: 10 }, async (w, count: number) => {
    for (let step = 0; step < count; step += 1) await w.step('add', () => step);
    return count;
  });
  const large = app.workflow({ name: 'large', maxLog: '4KiB' }, async (w, count: number) => {
    for (let step = 0; step < count; step += 1) await w.step('add', () => 'x'.repeat(1_000));
    return count;
  });
  const loop = app.workflow({ name: 'loop', maxEntries: 10 }, async (w, left: number) => {
    for (let step = 0; step < 8; step += 1) await w.step('add', () => step);
    if (left > 0) w.continueAs(left - 1);
    return 'done';
  });
  await startWorker(app);

  expect(await (await many.start(10)).get(wait)).toBe(10);
  expect(lines.some((line) => line.includes('half full'))).toBe(true);
  const full = await many.start(11, { id: 'full' });
  expect((await failureOf(full.get(wait))).message).toMatch(/run full: its log has 10 entries.*continueAs/);
  const heavy = await large.start(20, { id: 'heavy' });
  expect((await failureOf(heavy.get(wait))).message).toMatch(/run heavy: its log holds more than 4096 bytes/);
  expect(await (await loop.start(3)).get(wait)).toBe('done');
});

it('an outcome that cannot be stored fails its step by name, and the run can catch it', async () => {
  const { app } = open({ maxResult: 1_000 });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const outcomes: Record<string, unknown> = { big: 10n, circle, map: new Map([[1, 2]]), long: 'x'.repeat(2_000) };
  const flow = app.workflow({ name: 'flow' }, async (w, kind: string) => {
    const problem = await w.step(kind, () => outcomes[kind], { retries: 5 }).catch((error: Error) => error.message);
    return [problem, await w.step('after', () => 'went on')];
  });
  await startWorker(app);
  for (const kind of Object.keys(outcomes)) {
    const [problem, after] = (await (await flow.start(kind)).get(wait)) as [string, string];
    expect(problem).toMatch(new RegExp(`run [\\w-]+: the outcome of step "${kind}"`));
    expect(after).toBe('went on');
  }
});

it('refuses the w of a run that has ended, and that of another run', async () => {
  const { app } = open();
  const [asked, done] = [deferred<WorkflowContext>(), deferred<void>()];
  const owner = app.workflow({ name: 'owner' }, async (w, _: null) => {
    asked.resolve(w);
    await w.step('wait', () => done.promise);
    return 'owner';
  });
  const thief = app.workflow({ name: 'thief' }, async () => (await asked.promise).step('stolen', () => 1));
  await startWorker(app, { concurrency: 2 });
  const run = await owner.start(null, { id: 'owner-1' });
  const w = await asked.promise;
  expect((await failureOf((await thief.start(null)).get(wait))).message).toMatch(
    /run owner-1: .*"stolen".*use the w of the run itself/,
  );
  done.resolve();
  expect(await run.get(wait)).toBe('owner');
  const late = async () => w.step('late', () => 1);
  expect((await failureOf(late())).message).toMatch(/run owner-1: .*"late".*after the run had ended/);
  expect((await run.timeline()).map(({ key }) => key)).toEqual(['wait']);
});

it('takes an event once by its id, refuses one that does not fit, and keeps those that come early', async () => {
  const { app, lines } = open();
  const flow = app.workflow({ name: 'flow', parkAfter: 20 }, async (w, _: null) => {
    const schema = z.object({ ok: z.boolean() });
    const first = await w.event('go', { schema });
    const second = await w.event('go', { schema });
    return [first, second, await w.event('go', { schema, timeout: 30, default: 'no third' })];
  });
  const run = await flow.start(null);
  await run.send('go', { ok: true }, { id: 'one' });
  await run.send('go', { ok: true }, { id: 'one' });
  await run.send('go', { ok: 'perhaps' });
  await startWorker(app);
  await until(() => lines.some((line) => line.includes('refused an event')), { what: 'the refusal' });
  await run.send('go', { ok: false }, { id: 'two' });
  expect(await run.get(wait)).toEqual([{ ok: true }, { ok: false }, 'no third']);
});

it('does not park while an asynchronous schema judges an event', async () => {
  const { app, lines } = open();
  const slow = z.string().refine(async (text) => {
    await pause(50); // longer than parkAfter
    return text === 'good';
  }, 'is not good');
  const flow = app.workflow({ name: 'flow', parkAfter: 5 }, async (w, _: null) => w.event('go', { schema: slow }));
  const run = await flow.start(null);
  await run.send('go', 'bad');
  await run.send('go', 'good');
  await startWorker(app);
  expect(await run.get({ timeout: '10s' })).toBe('good');
  expect(lines.filter((line) => line.includes('refused an event')).join()).toContain('is not good');
});

it('a step times out by its own signal, and a retry that is far away is waited for in the broker', async () => {
  const { app } = open();
  const attempts: number[] = [];
  const flow = app.workflow({ name: 'flow', parkAfter: 20 }, async (w, _: null) => {
    const slow = await w
      .step('slow', ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
        timeout: 20,
      })
      .catch((error: Error) => error.name);
    await w.step(
      'flaky',
      ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('not yet');
      },
      { retries: 3, backoff: 60 },
    );
    return slow;
  });
  await startWorker(app);
  expect(await (await flow.start(null)).get(wait)).toBe('StepTimeoutError');
  expect(attempts).toEqual([1, 2, 3]);
});

it('a step with recordStart is told that an attempt began before, when its worker was lost', async () => {
  const broker = `memory://${newTaskId()}`;
  const connection = memoryDriver.connect(broker, createContext());
  endings.push(() => connection.close(1_000));
  const began = deferred<string>();
  const told: [string, boolean][] = [];
  const define = (app: Lovage, first: boolean) =>
    app.workflow({ name: 'flow' }, async (w, _: null) => {
      const charge = async ({ startedBefore, signal }: { startedBefore: boolean; signal: AbortSignal }) => {
        told.push(['charge', startedBefore]);
        if (!first) return 'charged';
        began.resolve(w.id);
        return new Promise<string>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      };
      const value = await w.step('charge', charge, { recordStart: true });
      await w.step('mail', ({ startedBefore }) => void told.push(['mail', startedBefore]), { recordStart: true });
      return value;
    });
  const [lost, next] = [open({ broker }).app, open({ broker }).app];
  const flow = define(lost, true);
  define(next, false);
  const lease = { concurrency: 1, lockDuration: 200, stalledInterval: 50 };
  await startWorker(lost, lease);
  const run = await flow.start(null);
  const id = await began.promise;
  await startWorker(next, lease);
  // The lost worker may be given its run back as often as it likes: only the other one can end it.
  const taken = until(
    async () => {
      if (!told.some(([, before]) => before)) await loseLease(connection, id);
      return (await run.status()).state === 'SUCCESS';
    },
    { what: 'the other worker to end the run' },
  );
  expect(await run.get(wait)).toBe('charged');
  await taken;
  expect(told[0]).toEqual(['charge', false]);
  expect(told.slice(1).filter(([step, before]) => step === 'charge' && !before)).toEqual([]);
  expect(told.at(-1)).toEqual(['mail', false]);
});
