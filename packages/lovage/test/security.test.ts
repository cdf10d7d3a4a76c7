// Signing and encryption with everything that an app does, on every driver: what is sent is what runs, and nothing of it can be read.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { setOverrides } from '@lovage/core/worker';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { startBeat } from '../src/beat.ts';
import { systemClock } from '../src/driver.ts';
import { type AppOptions, chain, chord, Lovage, Reject, type SecurityOptions, type SigningKey } from '../src/index.ts';
import { DeadLetters } from '../src/inspect.ts';
import { until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';
import { createShop, produce, silent } from './shop.ts';

const clock = { monotonic: () => systemClock.monotonic(), after: systemClock.after.bind(systemClock) };

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const patience = { timeout: '60s' } as const;
const secret = (): string => randomBytes(32).toString('base64');
const hmac = (id: string, more: Partial<SigningKey> = {}): SigningKey => ({ id, secret: secret(), ...more });

/** A key pair: the whole, and what others are given of it. */
function pair(id: string, more: Partial<SigningKey> = {}): { readonly own: SigningKey; readonly shared: SigningKey } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = (key: typeof publicKey): string =>
    key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }).toString();
  const shared = { id, publicKey: pem(publicKey), ...more };
  return { own: { ...shared, privateKey: pem(privateKey) }, shared };
}

const drivers = [
  ['memory', () => `memory://${Math.random()}`],
  ['redis', () => `redis://127.0.0.1:${server.port}/0`],
  ['redis+streams', () => `redis+streams://127.0.0.1:${server.port}/0`],
] as const;

let prefixes = 0;
const nextPrefix = (): string => `s${prefixes++}`;

function createApp(broker: string, options: AppOptions): Lovage {
  setOverrides({ flags: {}, file: {} });
  const app = new Lovage('shop', { broker, logger: silent, worker: { drain: 0 }, ...options });
  onTestFinished(() => app.close());
  return app;
}

describe.each(drivers)('on %s', (_name, broker) => {
  it('does everything as before, with keys apart for web servers and workers', { timeout: 120_000 }, async () => {
    const [url, prefix] = [broker(), nextPrefix()];
    const [web, work] = [pair('web', { may: ['send', 'work'] }), pair('work', { may: ['send', 'work'] })];
    const encryption = { keys: [{ id: 'e1', secret: secret() }], use: 'e1' };
    const security = (own: SigningKey, other: SigningKey): SecurityOptions => ({
      signing: { keys: [own, other], use: own.id },
      encryption,
    });
    const worker = createShop(url, { prefix, security: security(work.own, web.shared) });
    await startWorker(worker.app, { concurrency: 8 });
    const producer = createShop(url, { prefix, security: security(web.own, work.shared) });
    await produce(producer);
    const beat = await startBeat(createShop(url, { prefix, security: security(web.own, work.shared) }).app);
    await until(() => beat.health().fired > 0, { timeout: 60_000, what: 'a slot of the schedule' });
    await beat.close();
    expect((await producer.app.failures.list()).map(({ task, error }) => [task, error.message])).toContainEqual([
      'fails',
      'no',
    ]);
  });

  it('parks what is not signed, or is signed with a key that is unknown, by name, and replays neither', {
    timeout: 120_000,
  }, async () => {
    const [url, prefix] = [broker(), nextPrefix()];
    const good = hmac('good');
    const ran: number[] = [];
    const define = (security?: SecurityOptions, keep = false) => {
      const app = createApp(url, { prefix, ...(security ? { security } : {}) });
      return { app, pay: app.task({ name: 'pay', queue: 'money' }, (n: number) => void (keep && ran.push(n))) };
    };
    const worker = define({ signing: { keys: [good], use: 'good' } }, true);
    const unsigned = define();
    const wrong = define({ signing: { keys: [hmac('evil')], use: 'evil' } });
    const same = define({ signing: { keys: [hmac('good')], use: 'good' } }); // another secret under the same id
    await unsigned.pay.delay(1);
    await wrong.pay.delay(2);
    await same.pay.delay(3);
    await startWorker(worker.app, { queues: ['money'] });
    const right = define({ signing: { keys: [good], use: 'good' } });
    await right.pay.call([4], patience);
    const letters = new DeadLetters(right.app);
    await until(async () => (await letters.count()) === 3, { timeout: 60_000, what: 'the dead letters' });
    const reasons = (await letters.list()).map(({ reason }) => `${reason.name}: ${reason.message}`).sort();
    expect(reasons).toHaveLength(3);
    expect(reasons).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^SignatureError: message \S+ of task "pay" has a signature that is not right: it was altered, or another key has the id "good"$/,
        ),
        expect.stringMatching(/^SignatureError: message \S+ of task "pay" is not signed$/),
        expect.stringMatching(
          /^SignatureError: message \S+ of task "pay" is signed with key "evil", which is not among the keys of this process$/,
        ),
      ]),
    );
    const replayed: unknown[] = [];
    for await (const one of letters.replay({})) replayed.push(one);
    expect(replayed).toHaveLength(3);
    for (const one of replayed)
      expect(JSON.stringify(one)).toMatch(
        /it is not sent again: message .* (is not signed|not right|not among the keys)/,
      );
    expect(await letters.count()).toBe(3); // nothing is lost
    expect(ran).toEqual([4]);
  });

  it('replays a dead letter, goes on with a canvas and retries, all signed', { timeout: 120_000 }, async () => {
    const [url, prefix] = [broker(), nextPrefix()];
    const [web, work] = [pair('web', { may: ['send'] }), pair('work', { may: ['work', 'send'] })];
    let broken = true;
    const define = (own: SigningKey, other: SigningKey) => {
      const app = createApp(url, { prefix, security: { signing: { keys: [own, other], use: own.id } } });
      return {
        app,
        add: app.task('add', (a: number, b: number) => a + b),
        sum: app.task('sum', (list: number[]) => list.reduce((total, n) => total + n, 0)),
        picky: app.task('picky', (n: number) => {
          if (broken) throw new Reject('not now');
          return n;
        }),
        again: app.task({ name: 'again', bind: true, maxRetries: 3 }, (self, n: number) => {
          if (self.retries < 2) throw self.retry({ countdown: '10ms' });
          return n;
        }),
        other: app.task({ name: 'other', bind: true, maxRetries: 3 }, (self, n: number) => {
          if (self.retries < 1) throw self.retry({ args: [n + 1], countdown: '10ms' });
          return n;
        }),
      };
    };
    await startWorker(define(work.own, web.shared).app);
    const { app, add, sum, picky, again, other } = define(web.own, work.shared);
    expect(await chain(add.s(1, 1), add.s(2), add.s(3)).call([], patience)).toBe(7);
    expect(await chord([add.s(1, 1), add.s(2, 2)], sum.s()).call([], patience)).toBe(6);
    expect(await again.call([5], patience)).toBe(5);
    expect(await other.call([5], patience)).toBe(6);
    await expect(picky.call([9], patience)).rejects.toThrow('not now');
    broken = false;
    const letters = new DeadLetters(app);
    await until(async () => (await letters.count()) === 1, { timeout: 60_000, what: 'the dead letter' });
    for await (const one of letters.replay({})) {
      expect(one).toMatchObject({ kind: 'sent' });
      if (one.kind === 'sent') expect(await app.asyncResult(one.id).get(patience)).toBe(9);
    }
  });
});

describe('keys', () => {
  const url = (): string => `redis+streams://127.0.0.1:${server.port}/0`;
  const security = (keys: readonly SigningKey[], use: string, more = {}): SecurityOptions => ({
    signing: { keys, use, ...more },
  });

  it('may send these tasks to those queues: others are refused where they are sent, and where they run', {
    timeout: 60_000,
  }, async () => {
    const prefix = nextPrefix();
    const wide = hmac('web');
    const narrow = { ...wide, tasks: ['mail.*'], queues: ['mail'] };
    const worker = createApp(url(), { prefix, security: security([narrow, hmac('work')], 'work') });
    worker.task('mail.send', () => 'sent');
    worker.task('pay', () => 'paid');
    await startWorker(worker, { queues: ['mail', 'money'] });
    const careful = createApp(url(), { prefix, security: security([narrow], 'web') });
    const pay = careful.task({ name: 'pay', queue: 'mail' }, () => '');
    await expect(pay.delay()).rejects.toMatchObject({
      name: 'SignatureError',
      code: 'SIGNATURE',
      message: expect.stringContaining('key "web" may not send this task') as string,
    });
    await expect(careful.sendTask('mail.send', [], { queue: 'money' })).rejects.toThrow(
      'key "web" may not send to queue "money"',
    );
    const careless = createApp(url(), {
      prefix,
      security: security([wide, { ...worker, ...hmac('work') }], 'web', { requireSignature: false }),
    });
    const sent = await careless.sendTask('pay', [], { queue: 'mail' });
    const letters = new DeadLetters(careless);
    await until(async () => (await letters.count()) === 1, { timeout: 60_000, what: 'the dead letter' });
    expect((await letters.list())[0]).toMatchObject({
      id: sent.id,
      reason: { message: expect.stringContaining('key "web" may not send this task') },
    });
  });

  it('rotate under load: nothing is refused', { timeout: 120_000 }, async () => {
    const prefix = nextPrefix();
    const [old, next] = [hmac('k1'), hmac('k2')];
    const worker = createApp(url(), { prefix, security: security([old, next], 'k2') });
    worker.task('add', (a: number, b: number) => a + b);
    await startWorker(worker, { concurrency: 20 });
    const senders = [security([old, next], 'k1'), security([old, next], 'k2')].map((one) => {
      const app = createApp(url(), { prefix, security: one });
      return app.task('add', (a: number, b: number) => a + b);
    });
    const sums = await Promise.all(Array.from({ length: 500 }, (_, n) => senders[n % 2]?.call([n, 1], patience)));
    expect(sums).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    const retired = createApp(url(), { prefix, security: security([{ ...old, notAfter: '2020-01-01' }, next], 'k2') });
    const late = await retired.sendTask('add', [1, 1], { queue: 'other' });
    retired.task('add', () => 0);
    await senders[0]?.applyAsync([1, 1], { queue: 'other' });
    await startWorker(retired, { queues: ['other'] });
    expect(await late.get(patience)).toBe(0);
    const letters = new DeadLetters(retired);
    await until(async () => (await letters.count()) === 1, { timeout: 60_000, what: 'the dead letter' });
    expect((await letters.list())[0]?.reason.message).toMatch(/was signed with key "k1" after that was retired$/);
  });

  it('refuse a sender whose clock is ten minutes ahead, and what is older than maxAge', {
    timeout: 60_000,
  }, async () => {
    const prefix = nextPrefix();
    const key = hmac('k');
    const send = async (by: number): Promise<void> => {
      const app = createApp(url(), {
        prefix,
        security: security([key], 'k'),
        clock: { ...clock, now: () => Date.now() + by },
      });
      await app.sendTask('add', [1, 1], { queue: 'clocks' });
    };
    await send(600_000);
    await send(-2 * 86_400_000);
    const app = createApp(url(), { prefix, security: security([key], 'k') });
    app.task('add', () => 0);
    await startWorker(app, { queues: ['clocks'] });
    const letters = new DeadLetters(app);
    await until(async () => (await letters.count()) === 2, { timeout: 60_000, what: 'the dead letters' });
    const reasons = (await letters.list()).map(({ reason }) => reason.message).sort();
    expect(reasons[0]).toMatch(/was signed \S+m in the future: set the clock of its sender, or of this machine$/);
    expect(reasons[1]).toMatch(
      /was signed 2d.* ago, longer than 1d \(security\.signing\.maxAge\): it may be a copy of one that ran$/,
    );
  });

  it('a worker without the encryption key parks by name; with it, the letter runs', { timeout: 60_000 }, async () => {
    const prefix = nextPrefix();
    const key = { id: 'e1', secret: secret() };
    const given = (keys: readonly { id: string; secret: string }[], use = keys[0]?.id ?? ''): AppOptions => ({
      prefix,
      security: { encryption: { keys, use } },
    });
    const sender = createApp(url(), given([key]));
    await sender.sendTask('add', [2, 3], { queue: 'dark' });
    const blind = createApp(url(), given([{ id: 'e2', secret: secret() }]));
    blind.task('add', (a: number, b: number) => a + b);
    const worker = await startWorker(blind, { queues: ['dark'] });
    const letters = new DeadLetters(sender);
    await until(async () => (await letters.count()) === 1, { timeout: 60_000, what: 'the dead letter' });
    expect((await letters.list())[0]?.reason).toMatchObject({
      name: 'DecryptionError',
      message: expect.stringMatching(
        /^message \S+ of task "add" is encrypted with key "e1", which this process does not have$/,
      ),
    });
    await worker.close();
    const seeing = createApp(url(), given([{ id: 'e3', secret: secret() }, key], 'e3'));
    seeing.task('add', (a: number, b: number) => a + b);
    await startWorker(seeing, { queues: ['dark'] });
    for await (const one of letters.replay({})) {
      if (one.kind !== 'sent') throw new Error(JSON.stringify(one));
      expect(await seeing.asyncResult(one.id).get(patience)).toBe(5);
    }
  });

  it('commands need a key that may control; copies of one are refused', { timeout: 60_000 }, async () => {
    const prefix = nextPrefix();
    const [web, ops, work] = [
      hmac('web', { may: ['send'] }),
      hmac('ops', { may: ['control'] }),
      hmac('work', { may: ['work', 'send'] }),
    ];
    const lines: unknown[][] = [];
    const note = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug() {}, info: note, warn: note, error: note, child: () => logger };
    const options = (use: string): AppOptions => ({ prefix, security: security([web, ops, work], use), logger });
    const app = createApp(url(), options('work'));
    await startWorker(app, { name: 'w1', concurrency: 2 });
    const [operator, intruder] = [createApp(url(), options('ops')), createApp(url(), options('web'))];
    const plain = createApp(url(), { prefix });
    const heard: string[] = [];
    const spy = new Redis(server.port);
    onTestFinished(() => spy.disconnect());
    await spy.subscribe(`lovage:${prefix}:bus:control-change`);
    spy.on('message', (_channel, text) => heard.push(text));
    const soon = { timeout: '500ms' } as const;
    await until(async () => 'w1' in (await operator.control.poolGrow(1, soon)), {
      timeout: 30_000,
      what: 'the answer',
    });
    await expect(intruder.control.poolGrow(1, soon)).rejects.toThrow(
      'a message on the topic control-change cannot be signed: key "web" may not "control"',
    );
    expect(await plain.control.poolGrow(5, soon)).toEqual({});
    const before = lines.filter(([message]) => message === 'remote command').length;
    await server.client.publish(`lovage:${prefix}:bus:control-change`, heard[0] ?? '');
    const dropped = (text: string): boolean => lines.some((line) => JSON.stringify(line, withErrors).includes(text));
    await until(() => dropped('not signed') || dropped('second time'), {
      timeout: 30_000,
      what: 'the line of the log',
    });
    expect(lines.filter(([message]) => message === 'remote command')).toHaveLength(before);
    expect(lines).toContainEqual(['remote command', expect.objectContaining({ command: 'pool-grow', signer: 'ops' })]);
  });
});

/** Errors as JSON with what they say. */
function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message } : value;
}
