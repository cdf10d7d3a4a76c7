import { Lovage } from '@lovage/core';
import { createMessage, type TestApp, type TestAppOptions, testApp } from '@lovage/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { chain, chord, crontab, every, group } from '../src/index.ts';

/** As users have it: one app for all tests of a file, on a broker that is not there. */
const app = new Lovage('shop', { broker: 'redis://127.0.0.1:1/0', logLevel: 'silent' });
const hour = 3_600_000;
const sent: string[] = [];
const ran: number[] = [];
const send = app.task({ name: 'mail.send', queue: 'mail' }, (to: string) => {
  sent.push(to);
  return `sent to ${to}`;
});
const flaky = app.task(
  { name: 'flaky', bind: true, defaultRetryDelay: '1h', maxRetries: 3, autoretryFor: [Error] },
  (self) => {
    ran.push(self.attempt);
    if (self.attempt < 3) throw new Error('not yet');
    return self.attempt;
  },
);
const add = app.task('add', (x: number, y: number) => x + y);
const sum = app.task('sum', (list: readonly number[]) => list.reduce((x, y) => x + y, 0));
const limited = app.task({ name: 'limited', rateLimit: '1/m' }, () => void ran.push(1));
const signUp = app.task('sign-up', async (name: string) => {
  await send.applyAsync([name], { countdown: '2d' });
  return name;
});
const welcome = app.task('welcome', async (name: string) => {
  await send.applyAsync([name], { countdown: '2h' });
  return name;
});
const resize = app.remote<(path: string) => string>('images.resize', { queue: 'images' });
app.schedule('nightly', crontab('0 3 * * *'), add.s(1, 1));
app.schedule('poll', every('6h'), send.s('poll'));

let kit: TestApp | undefined;
async function open(options: TestAppOptions = {}): Promise<TestApp> {
  kit = await testApp(app, { start: new Date('2026-05-01T00:00:00Z'), ...options });
  return kit;
}
afterEach(async () => {
  await kit?.close();
  kit = undefined;
  sent.length = 0;
  ran.length = 0;
});

describe('what was sent', () => {
  it('waits until the test lets it run', async () => {
    const t = await open();
    await send.delay('a@b.c');
    await signUp.applyAsync(['ann'], { priority: 3 });
    expect(t.enqueued().map(({ task }) => task)).toEqual(['mail.send', 'sign-up']);
    t.assertEnqueued(send, ['a@b.c'], { times: 1, queue: 'mail' });
    t.assertNotEnqueued(add);
    expect(() => t.assertEnqueued(send, ['b'])).toThrow(
      'expected task "mail.send" to be enqueued with ["b"]: found mail.send("a@b.c")',
    );
    expect(() => t.assertEnqueued(add)).toThrow('expected task "add" to be enqueued: it was not');
    expect(() => t.assertNotEnqueued()).toThrow(/expected no task to be enqueued, found mail\.send/);
    expect(sent).toEqual([]);
    await t.runAll({ delayed: false });
    expect(sent).toEqual(['a@b.c']);
    expect(t.enqueued(send)).toMatchObject([{ args: ['ann'], queue: 'mail', eta: new Date('2026-05-03T00:00:00Z') }]);
    await t.advance('47h');
    expect(sent).toEqual(['a@b.c']);
    await t.advance('1h');
    expect(sent).toEqual(['a@b.c', 'ann']);
    expect(t.now).toEqual(new Date('2026-05-03T00:00:00Z'));
    t.assertNotEnqueued();
    t.assertSent(send, ['ann']);
  });

  it('goes to queues that only a call names', async () => {
    const t = await open();
    const result = await add.applyAsync([1, 2], { queue: 'elsewhere' });
    expect(await t.run(result)).toBe(3);
  });
});

describe('time', () => {
  it('retries of hours take milliseconds, each at its moment', async () => {
    const t = await open();
    const from = t.clock.now();
    expect(await t.run(await flaky.delay())).toBe(3);
    expect(ran).toEqual([1, 2, 3]);
    expect(t.clock.now() - from).toBe(2 * hour);
  });

  it('rate limits, expiry and timeouts go by it', async () => {
    const t = await open();
    await limited.delayMany([[], [], []]);
    await t.advance('1m');
    expect(ran.length).toBe(2);
    await t.advance('1m');
    expect(ran.length).toBe(3);
    const late = await add.applyAsync([1, 1], { expires: '5m' });
    await t.clock.leap(10 * 60_000);
    await expect(t.run(late)).rejects.toThrow(/expired/);
    await expect(t.run(() => send.call(['x'], { countdown: '1d', timeout: '1h' }))).rejects.toThrow(
      /did not end within 3600000 ms/,
    );
  });

  it('canvases run to their end, and code that awaits them', async () => {
    const t = await open();
    expect(await t.run(() => chain(add.s(1, 2), add.s(3)).call([], {}))).toBe(6);
    expect(await t.run(() => chord([add.s(1, 1), add.s(2, 2)], sum.s()).call([], {}))).toBe(6);
    const late = await group([add.s(1, 1), add.s(2, 2)]).applyAsync([], { countdown: '3d' });
    expect(await t.run(late)).toEqual([2, 4]);
  });

  it('schedules fire as days pass', async () => {
    const t = await open({ beat: true });
    const nightly = t.spy(add);
    await t.advance('3d');
    expect(nightly.count).toBe(3);
    expect(sent.length).toBe(12);
  });

  it('says what is missing when nothing could settle what is awaited', async () => {
    const t = await open();
    await expect(t.run(new Promise(() => {}))).rejects.toThrow(
      'testApp: nothing is left to run, and what was waited for has not settled (no handler runs)',
    );
  });
});

it('eager: a call resolves when it and what follows has run', async () => {
  const t = await open({ eager: true });
  const from = t.clock.now();
  const result = await welcome.delay('ann');
  expect(sent).toEqual(['ann']);
  expect(t.clock.now() - from).toBe(2 * hour);
  expect(await result.get()).toBe('ann');
  const chained = await chain(add.s(1, 2), add.s(3)).delay();
  expect(await chained.get()).toBe(6);
  expect(await result.state()).toBe('SUCCESS');
  t.assertNotEnqueued();
});

describe('doubles', () => {
  it('a spy records what goes on as it is; a fake takes its place until the end', async () => {
    const t = await open();
    const spy = t.spy(send);
    const fake = t.fake(flaky, () => {
      throw new RangeError('faked');
    });
    const images = t.fake(resize, (path: string) => `${path}@2x`);
    await send.delay('a@b.c');
    expect(await t.run(() => resize.call(['a.png'], {}))).toBe('a.png@2x');
    const failed = await flaky.applyAsync([], { maxRetries: 0 });
    await expect(t.run(failed)).rejects.toThrow('faked');
    expect(spy.runs).toEqual([{ args: ['a@b.c'], value: 'sent to a@b.c' }]);
    expect(sent).toEqual(['a@b.c']);
    expect(fake.runs).toMatchObject([{ error: { message: 'faked' } }]);
    expect(images.count).toBe(1);
    await t.close();
    kit = undefined;
    const again = await open();
    expect(await again.run(await flaky.delay())).toBe(3);
    await expect(again.run(() => resize.call(['a.png'], {}))).rejects.toThrow(/unknown task|UnknownTask|no worker/i);
  });

  it('what cannot be is an error that says so', async () => {
    const t = await open();
    expect(() => t.spy('nowhere')).toThrow('testApp: task "nowhere" has no handler in this app to watch: fake it');
    await expect(testApp(app)).rejects.toThrow('this app is in use already');
    await expect(t.run(() => t.runAll())).rejects.toThrow('do not nest');
  });
});

describe('faults', () => {
  it('a lost reply: the task was accepted all the same', async () => {
    const t = await open();
    t.faults.loseReply(send);
    const error = await send.delay('a@b.c').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'BrokerUnavailableError', taskId: expect.any(String) });
    await send.applyAsync(['a@b.c'], { taskId: (error as { taskId: string }).taskId });
    await t.runAll();
    expect(sent).toEqual(['a@b.c']);
    await send.delay('a@b.c');
    await t.runAll();
    expect(sent).toEqual(['a@b.c', 'a@b.c']);
  });

  it('a killed worker: the task runs again, within the crash budget', async () => {
    const t = await open();
    t.faults.killWorker(send);
    const result = await send.delay('a@b.c');
    expect(await t.run(result)).toBe('sent to a@b.c');
    expect(sent).toEqual(['a@b.c', 'a@b.c']);
    t.faults.killWorker(send, 'before');
    expect(await t.run(await send.delay('d@e.f'))).toBe('sent to d@e.f');
    expect(sent.slice(2)).toEqual(['d@e.f']);
    for (let time = 0; time < 4; time += 1) t.faults.killWorker(add);
    await expect(t.run(await add.delay(1, 1))).rejects.toThrow(/lost/);
  });

  it('a second run, for handlers that are to be idempotent', async () => {
    const t = await open();
    t.faults.runTwice(send);
    expect(t.faults.pending).toEqual({ 'mail.send': ['run-twice'] });
    await send.delay('a@b.c');
    await t.runAll();
    expect(sent).toEqual(['a@b.c', 'a@b.c']);
    expect(t.faults.pending).toEqual({});
  });
});

it('makes messages as callers do', () => {
  expect(createMessage({ task: 'mail.send', args: ['a@b.c'] })).toMatchObject({
    v: 1,
    task: 'mail.send',
    args: ['a@b.c'],
    queue: 'default',
  });
});
