import { ForeignQueueError, Lovage } from '@lovage/core';
import { type Message, newTaskId, type UndeliveredPage } from '@lovage/core/driver';
import { diagnose, type ForeignJob, type ImportedCall, Inspector } from '@lovage/core/inspect';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { Queue, type QueueOptions, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { redisDriver } from '../src/index.ts';
import { connect, silent } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

function shop(): { readonly app: Lovage; readonly prefix: string } {
  const prefix = `t${newTaskId().slice(-12)}`;
  const app = new Lovage('shop', {
    broker: redis.server.url,
    prefix,
    drivers: [redisDriver],
    logger: silent,
    conf: { taskRoutes: { 'mail.*': { queue: 'mail' } } },
  });
  app.task('mail.send', (to: string) => `sent to ${to}`);
  redis.endings.push(() => app.close());
  return { app, prefix };
}

function bull(prefix: string, options: Partial<QueueOptions> = {}): { queue: Queue; client: Redis } {
  const client = new Redis(redis.server.url, { maxRetriesPerRequest: null });
  const queue = new Queue('mail', { connection: client, prefix, ...options });
  redis.endings.push(async () => {
    await queue.close();
    client.disconnect();
  });
  return { queue, client };
}

describe('a queue that a BullMQ app created', () => {
  it.each([
    ['with its metadata', {}],
    ['without metadata', { skipMetasUpdate: true }],
  ])('is refused by callers and workers, which name it and the way out (%s)', async (_, options) => {
    const { app, prefix } = shop();
    const { queue } = bull(prefix, options);
    const job = await queue.add('welcome', { to: 'a@b.c' });
    const refused = await app.sendTask('mail.send', ['a@b.c']).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ForeignQueueError);
    expect(refused).toMatchObject({ code: 'QUEUE_FOREIGN', queue: 'mail' });
    expect(String(refused)).toMatch(
      /queue "mail" was created by .*, whose jobs it holds, not by Lovage: .*`prefix`.*lovage queues adopt mail/,
    );
    await expect(startWorker(app, { concurrency: 1 })).rejects.toThrow(ForeignQueueError);
    expect(await queue.getWaiting()).toMatchObject([{ id: job.id }]);
    expect(await queue.count()).toBe(1);
    const worker = await startWorker(app, { queues: ['default'] });
    await expect(worker.addQueue('mail')).rejects.toThrow(ForeignQueueError);
    await worker.close();
  });

  it('is refused when all its jobs are done, and named by the doctor; adopted, it is used at once', async () => {
    const { app, prefix } = shop();
    const { queue } = bull(prefix);
    await queue.add('welcome', { to: 'a@b.c' });
    const [job] = await queue.getWaiting();
    await job?.remove();
    await expect(app.sendTask('mail.send', ['a@b.c'])).rejects.toThrow(/created by BullMQ \(bullmq:\d/);
    const findings = await diagnose(app);
    expect(findings.filter(({ check }) => check === 'foreign')).toMatchObject([
      { state: 'problem', message: expect.stringContaining('Queue "mail" was created by BullMQ') },
    ]);
    expect(await new Inspector(app).adoptQueue('mail')).toContain('BullMQ');
    expect(await new Inspector(app).foreignOwner('mail')).toBeUndefined();
    const worker = await startWorker(app);
    const sent = await app.sendTask('mail.send', ['a@b.c']);
    expect(await sent.get({ timeout: '10s' })).toBe('sent to a@b.c');
    await worker.close();
  });

  it('with a worker and no job yet is refused too', async () => {
    const { app, prefix } = shop();
    const { client } = bull(prefix);
    const worker = new Worker('mail', async () => {}, { connection: client.duplicate(), prefix });
    redis.endings.push(() => worker.close(true));
    await worker.waitUntilReady();
    await until(async () => String(await client.client('LIST')).includes(`${prefix}:bWFpbA==`));
    await expect(app.sendTask('mail.send', ['a@b.c'])).rejects.toThrow(ForeignQueueError);
  });
});

it('a queue that only a dashboard opened belongs to whoever adds the first job', async () => {
  const { app, prefix } = shop();
  const { queue } = bull(prefix);
  await queue.waitUntilReady();
  await app.sendTask('mail.send', ['a@b.c']);
  expect(await queue.getPrioritizedCount()).toBe(1);
});

it('a queue of an older version, without the mark, is marked at its next use', async () => {
  const { app, prefix } = shop();
  await app.sendTask('mail.send', ['a@b.c']);
  const { client } = bull(prefix, { skipMetasUpdate: true });
  expect(await client.hget(`${prefix}:mail:meta`, 'lovage')).toBe('1');
  // BullMQ's tools opened it, and a Redis that lost its data knows of no queue of ours
  for (const [field, known] of [
    ['version', true],
    ['version', false],
  ] as const) {
    await client.hdel(`${prefix}:mail:meta`, 'lovage');
    await client.hset(`${prefix}:mail:meta`, field, 'bullmq:6.7.0');
    if (!known) await client.del(`lovage:${prefix}:queues`);
    const later = new Lovage('shop', { broker: redis.server.url, prefix, drivers: [redisDriver], logger: silent });
    await later.sendTask('mail.send', ['d@e.f'], { queue: 'mail' });
    await later.close();
    expect(await client.hget(`${prefix}:mail:meta`, 'lovage')).toBe('1');
  }
});

it("parks a job that another program adds to a queue of Lovage's, with a reason that says so", async () => {
  const { app, prefix } = shop();
  const worker = await startWorker(app);
  const { queue } = bull(prefix);
  await queue.add('welcome', { to: 'a@b.c' });
  const inspector = new Inspector(app);
  await until(async () => (await inspector.deadLetters('mail')).length === 1, { what: 'the job to be parked' });
  const [letter] = await inspector.deadLetters('mail');
  expect(letter?.reason.message).toContain(
    'the job was not written by Lovage: another program adds jobs to queue "mail"',
  );
  await worker.close();
});

describe('importing the jobs of a BullMQ queue', () => {
  it('shows them first, then moves what waits or is delayed, once, and leaves what it is told to leave', async () => {
    const { app, prefix } = shop();
    const { queue } = bull(prefix);
    const later = Date.now() + 3_600_000;
    await queue.add('mail.send', 'first');
    await queue.add('mail.send', 'second', { attempts: 5 });
    await queue.add('other', { keep: true });
    await queue.add('mail.send', 'third', { delay: 3_600_000 });
    await queue.add('mail.send', 'urgent', { priority: 3 });
    await queue.upsertJobScheduler('nightly', { pattern: '0 3 * * *' }, { name: 'other' });
    const inspector = new Inspector(app);
    const map = (job: ForeignJob): ImportedCall | undefined =>
      job.name === 'other' ? undefined : { task: job.name, args: [job.data] };
    const seen: string[] = [];
    const look = await inspector.importJobs('mail', {
      map,
      dryRun: true,
      onJob: ({ data }) => seen.push(String(data)),
    });
    expect(seen).toEqual(['first', 'second', 'urgent', 'third']);
    expect(look).toMatchObject({ moved: 4, left: 2, running: 0, schedulers: { nightly: '0 3 * * *' } });
    expect(await queue.count()).toBe(6);
    const calls: ImportedCall[] = [];
    const report = await inspector.importJobs('mail', { map, to: 'letters', onJob: (_, call) => calls.push(call) });
    expect(report).toMatchObject({ moved: 4, left: 2 });
    expect(await queue.count()).toBe(2);
    expect(await inspector.importJobs('mail', { map, to: 'letters' })).toMatchObject({ moved: 0, left: 2 });
    const waiting = await inspector.peek('letters');
    expect(waiting.map(({ args }) => args)).toEqual([['first'], ['second'], ['urgent']]);
    const own = connect(redis.server.url, { prefix });
    redis.endings.push(() => own.close(1_000));
    const messages: Message[] = [];
    for (let page: string | undefined = '0:0'; page !== undefined; ) {
      const found: UndeliveredPage | undefined = await own.monitor?.undelivered?.('letters', page);
      messages.push(...(found?.messages ?? []));
      page = found?.next;
    }
    const third = messages.find(({ args }) => args[0] === 'third');
    expect(third?.id).toMatch(/^bullmq-mail-/);
    expect(third?.eta ?? 0).toBeGreaterThanOrEqual(later);
    expect(messages.find(({ args }) => args[0] === 'second')).toMatchObject({ maxRetries: 4 });
  });

  it('moves into the same queue, which is adopted, and refuses while jobs run', async () => {
    const { app, prefix } = shop();
    const { queue, client } = bull(prefix);
    await queue.add('mail.send', 'a@b.c');
    const busy = new Worker('mail', undefined, { connection: client.duplicate(), prefix });
    redis.endings.push(() => busy.close(true));
    await busy.getNextJob('token');
    const inspector = new Inspector(app);
    await expect(inspector.importJobs('mail', { to: 'mail' })).rejects.toThrow('queue "mail": 1 jobs run');
    await client.lrem(`${prefix}:mail:active`, 1, '1');
    await busy.close(true);
    await queue.add('mail.send', 'd@e.f');
    expect(await inspector.importJobs('mail', { to: 'mail' })).toMatchObject({ moved: 1, left: 0 });
    const worker = await startWorker(app);
    const result = app.asyncResult('bullmq-mail-2');
    expect(await result.get({ timeout: '60s' })).toBe('sent to d@e.f');
    expect(await inspector.deadLetters('mail')).toEqual([]);
    await worker.close();
  });
});
