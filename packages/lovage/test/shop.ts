// An app with a task of every kind, and everything that a web process does with it.
import { setOverrides } from '@lovage/core/worker';
import { expect, onTestFinished } from 'vitest';
import { type AppOptions, chain, chord, every, gate, group, type Logger, Lovage, Reject } from '../src/index.ts';
import { until } from '../src/testing.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** An app with every kind of task, on the connections of one role. */
export function createShop(broker: string, { prefix, ...more }: AppOptions = {}) {
  setOverrides({ flags: {}, file: {} });
  const app = new Lovage('shop', {
    broker,
    ...(prefix ? { prefix } : {}),
    logger: silent,
    ...more,
    conf: { taskDefaultQueue: 'mail', broadcastQueues: ['news'] },
    worker: { queues: ['mail', 'slow', 'news'], stalledInterval: '500ms', drain: 0 },
    history: 'all',
  });
  onTestFinished(() => app.close());
  let broken = 1;
  const add = app.task('add', (a: number, b: number) => a + b);
  const tasks = {
    add,
    sum: app.task('sum', (list: number[]) => list.reduce((total, n) => total + n, 0)),
    flaky: app.task({ name: 'flaky', autoretryFor: [Error], retryBackoff: '10ms' }, () => {
      if (broken-- > 0) throw new Error('once');
      return 'well';
    }),
    fails: app.task({ name: 'fails', maxRetries: 0 }, () => {
      throw new Error('no');
    }),
    rejected: app.task('rejected', () => {
      throw new Reject('not this one');
    }),
    quiet: app.task({ name: 'quiet', ignoreResult: true, trackStarted: true }, () => 1),
    once: app.task({ name: 'once', unique: true }, (n: number) => n),
    ordered: app.task({ name: 'ordered', orderingKey: () => 'k' }, (n: number) => n),
    limited: app.task({ name: 'limited', concurrency: { key: () => 'c', limit: 1 } }, (n: number) => n),
    rated: app.task({ name: 'rated', rateLimit: '50/s' }, (n: number) => n),
    steps: app.task({ name: 'steps', bind: true }, async (self) => {
      await self.progress({ half: true });
      const lock = await app.lock('till');
      await lock.release();
      return add.call([1, 1], { timeout: '10s' });
    }),
    many: app.batchTask({ name: 'many', size: 10, wait: '10ms' }, (items) => items.map(() => 1)),
    hold: app.task(
      { name: 'hold', bind: true, queue: 'slow' },
      (self) =>
        new Promise<void>((_, reject) => {
          self.signal.addEventListener('abort', () => reject(self.signal.reason), { once: true });
        }),
    ),
    subscriber: app.task('subscriber', (payload: unknown) => payload),
    order: app.workflow({ name: 'order', parkAfter: 20 }, async (w, n: number) => {
      const charged = await w.step('charge', () => n * 2);
      await w.sleep('30ms');
      return [charged, await w.event('approved'), await w.call(add, [n, 1])];
    }),
  };
  app.subscription('billing', 'order.created', tasks.subscriber);
  app.schedule('tick', every('200ms'), tasks.add.s(1, 1));
  return { app, ...tasks };
}

export type Shop = ReturnType<typeof createShop>;

/** Everything that a web process does. */
export async function produce(shop: Shop): Promise<void> {
  const { app, add, sum } = shop;
  const soon = { timeout: '60s' } as const;
  const heard: unknown[] = [];
  const listening = await app.subscribe('*', (payload) => heard.push(payload));
  expect(await add.call([2, 3], soon)).toBe(5);
  const bulk = await add.delayMany(Array.from({ length: 50 }, (_, n) => [n, n] as [number, number]));
  expect(await bulk[49]?.get(soon)).toBe(98);
  expect(await (await add.applyAsync([1, 1], { countdown: '50ms' })).get(soon)).toBe(2);
  expect(await (await add.applyAsync([1, 1], { taskId: `own-${Math.random()}` })).get(soon)).toBe(2);
  expect(await shop.flaky.call([], soon)).toBe('well');
  await expect(shop.fails.call([], soon)).rejects.toThrow('no');
  await expect(shop.rejected.call([], soon)).rejects.toThrow();
  await shop.quiet.delay();
  for (const task of [shop.once, shop.ordered, shop.limited, shop.rated]) expect(await task.call([7], soon)).toBe(7);
  expect(await shop.steps.call([], soon)).toBe(2);
  await shop.many.delayMany([[], []] as [][]);
  expect(await chain(add.s(4, 4), add.s(8)).call([], soon)).toBe(16);
  expect(await chord([add.s(2, 2), add.s(4, 4)], sum.s()).call([], soon)).toBe(12);
  expect(await (await group([add.s(1, 1), add.s(2, 2)]).delay()).get(soon)).toEqual([2, 4]);
  const waiting = await chain(add.s(1, 1), gate<number>('approval'), add.s(1)).delay();
  await until(async () => (await app.gates.list({ rootId: waiting.id })).length === 1, { what: 'the gate' });
  const [open] = await app.gates.list({ rootId: waiting.id });
  await app.resolveGate(open?.id ?? '', 4);
  expect(await waiting.get(soon)).toBe(5);
  const run = await shop.order.start(4);
  await run.send('approved', true);
  expect(await run.get(soon)).toEqual([8, true, 5]);
  const broadcast = await app.broadcast(add, [1, 2], { queue: 'news' });
  expect(Object.values(await broadcast.replies(soon))).toEqual([{ value: 3 }]);
  expect((await app.publish('order.created', { id: 1 })).groups).toEqual(['billing']);
  await until(() => heard.length > 0, { what: 'the message of the topic' });
  await listening.close();
  const late = await add.applyAsync([1, 1], { countdown: '1h' });
  await late.revoke();
  await expect(late.get(soon)).rejects.toThrow('revoked');
  const read = await add.delay(1, 1);
  await read.get(soon);
  await read.forget();
}
