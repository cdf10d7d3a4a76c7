import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import type { SharedRegistry } from '../src/driver/shared-registry.ts';
import { silentLogger } from '../src/logger.ts';
import { memberTtl, namespaceOf } from '../src/messaging/broadcast-members.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { deferred, until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const conf = { broadcastQueues: ['fanout'] };

it('a worker that died counts for half a minute, and after minutes its queue goes and its waiters are told', async () => {
  const clock = createTestClock();
  const app = new Lovage('fanout', { broker: 'memory://', logger: silentLogger, clock, conf });
  const note = app.task('note', () => 'noted');
  await startWorker(app, { name: 'alive', queues: ['fanout'] });
  const { sharedRegistry, monitor } = await runtimeOf(app).stores.open();
  await sharedRegistry?.put(namespaceOf('fanout'), 'fanout@dead.1', 'dead', memberTtl); // its last word
  const sent = await app.broadcast(note, [], { queue: 'fanout' });
  expect([...sent.workers].sort()).toEqual(['alive', 'dead']);
  const replies = sent.replies();
  await clock.advance(memberTtl + 1);
  expect((await app.broadcast(note, [], { queue: 'fanout' })).workers).toEqual(['alive']);
  expect(await monitor?.queues()).toContain('fanout@dead.1');
  for (let minute = 0; minute < 7; minute += 1) await clock.advance(60_000);
  await until(async () => !(await monitor?.queues())?.includes('fanout@dead.1'), { what: 'the sweep' });
  await clock.advance(5_000);
  expect(await replies).toMatchObject({ alive: { value: 'noted' }, dead: { error: { name: 'TaskRevokedError' } } });
  expect((await sharedRegistry?.list(namespaceOf('fanout')))?.map(({ value }) => value)).toEqual(['alive']);
  const closing = app.close();
  await clock.advance(1_000);
  await closing;
});

it('a worker that ends while it says that it lives stays away', async () => {
  const clock = createTestClock();
  const queues = ['first', 'second'];
  const app = new Lovage('fanout', {
    broker: 'memory://',
    logger: silentLogger,
    clock,
    conf: { broadcastQueues: queues },
  });
  const worker = await startWorker(app, { queues });
  const { sharedRegistry } = await runtimeOf(app).stores.open();
  const { list, put } = sharedRegistry as SharedRegistry;
  const members = async (queue: string) => (await list(namespaceOf(queue))).length;
  let closing: Promise<unknown> | undefined;
  Object.assign(sharedRegistry as SharedRegistry, {
    put: async (...given: Parameters<SharedRegistry['put']>) => {
      await put(...given);
      closing ??= worker.close();
      await until(async () => (await members('second')) === 0, { what: 'the goodbye' });
    },
  });
  await clock.advance(memberTtl / 3);
  await until(() => closing !== undefined, { what: 'the next word' });
  await closing;
  expect([await members('first'), await members('second')]).toEqual([0, 0]);
  await app.close();
});

it('what waits for a worker that stops taking broadcasts is taken back', async () => {
  const app = new Lovage('fanout', { broker: 'memory://', logger: silentLogger, conf });
  const begun = deferred();
  const gate = deferred();
  const work = app.task('work', async () => {
    begun.resolve();
    await gate.promise;
    return 'done';
  });
  const worker = await startWorker(app, { name: 'w', queues: ['default', 'fanout'], concurrency: 1 });
  const first = await app.broadcast(work, [], { queue: 'fanout' });
  await begun.promise;
  const second = await app.broadcast(work, [], { queue: 'fanout' });
  await worker.removeQueue('fanout');
  expect(await second.replies({ timeout: '5s' })).toMatchObject({ w: { error: { name: 'TaskRevokedError' } } });
  gate.resolve();
  expect(await first.replies({ timeout: '5s' })).toEqual({ w: { value: 'done' } });
  await worker.close();
  const { monitor } = await runtimeOf(app).stores.open();
  expect(await monitor?.queues()).not.toContainEqual(expect.stringContaining('fanout@'));
  await app.close();
});
