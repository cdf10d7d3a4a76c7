import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Lovage } from '@lovage/core';
import type { Connection } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redisDriver } from '../src/driver.ts';
import { connect, consume, createMessage, emptied, required } from './bench.ts';
import { RedisServer } from './redis-server.ts';

type ServerAdapter = Parameters<typeof createBullBoard>[0]['serverAdapter'];
type Routes = Parameters<ServerAdapter['setApiRoutes']>[0];
type Queues = Parameters<ServerAdapter['setQueues']>[0];

/** bull-board's own request handlers, called without a web server. */
class DirectAdapter {
  #routes: Routes = [];
  #queues: Queues | undefined;

  setApiRoutes(routes: Routes): this {
    this.#routes = routes;
    return this;
  }
  setQueues(queues: Queues): this {
    this.#queues = queues;
    return this;
  }
  setViewsPath = (): this => this;
  setStaticPath = (): this => this;
  setEntryRoute = (): this => this;
  setErrorHandler = (): this => this;
  setUIConfig = (): this => this;

  /** What bull-board's page would be given. */
  async get(route: string, params: Record<string, string>, query: Record<string, string> = {}): Promise<unknown> {
    const found = this.#routes.find(
      ({ route: path, method }) => [path].flat().includes(route) && [method].flat().includes('get'),
    );
    const request = { queues: required(this.#queues), params, query, body: {}, headers: {} };
    const { body } = await required(found).handler(request as unknown as Parameters<Routes[number]['handler']>[0]);
    return body;
  }
}

interface ShownJob {
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
  readonly failedReason?: string;
  readonly stacktrace: readonly string[];
  readonly opts: { readonly priority?: number };
  readonly processedBy?: string;
}
interface ShownQueue {
  readonly name: string;
  readonly counts: Record<string, number>;
  readonly jobs: readonly ShownJob[];
}

let server: RedisServer;
let client: Redis;
let connection: Connection;
let queue: Queue;
const board = new DirectAdapter();
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.port, '127.0.0.1', { maxRetriesPerRequest: null });
  connection = connect(server.url, { prefix: undefined });
  queue = new Queue('billing', { connection: client }); // BullMQ's own default prefix: our queues are there unasked
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter: board as unknown as ServerAdapter });
});
afterAll(async () => {
  await connection.close(1_000);
  await queue.close();
  client.disconnect();
  await server.stop();
});

async function shown(status: string): Promise<ShownQueue> {
  const body = (await board.get(
    '/api/queues',
    {},
    { activeQueue: 'billing', status, page: '1', jobsPerPage: '10' },
  )) as { queues: ShownQueue[] };
  return required(body.queues.find(({ name }) => name === 'billing'));
}

it('shows a waiting task by its name and id, with readable data', async () => {
  const message = createMessage({
    queue: 'billing',
    task: 'billing.charge',
    args: [{ orderId: 'o-1', amount: 5 }],
    priority: 4,
  });
  await required(connection.broker).publish([message]);
  const { counts, jobs } = await shown('prioritized');
  expect(counts).toMatchObject({ prioritized: 1 });
  expect(jobs).toMatchObject([
    {
      id: message.id,
      name: 'billing.charge',
      data: { v: 1, args: [{ orderId: 'o-1', amount: 5 }], priority: 4 },
      opts: { priority: 6 },
    },
  ]);
  expect(Object.keys(required(jobs[0]).data).sort()).toEqual(['args', 'priority', 'v']);
  await required(connection.monitor).purge('billing');
});

it('shows a failed task with its reason and its stack, and none that succeeded', async () => {
  const stack = 'CardDeclined: no funds\n    at charge (billing.ts:7:3)';
  const failure = { name: 'CardDeclined', message: 'no funds', stack };
  const fails = createMessage({ queue: 'billing', task: 'billing.charge', args: ['fail'] });
  const works = createMessage({ queue: 'billing', task: 'billing.charge', args: ['work'] });
  const seen = await consume(
    connection,
    { queues: ['billing'], worker: 'shop@host:1' },
    async ({ message: { id, task, args } }) => {
      const record = { id, task, attempts: 1, at: Date.now() } as const;
      const ended =
        args[0] === 'fail'
          ? ({ ...record, state: 'FAILURE', failure } as const)
          : ({ ...record, state: 'SUCCESS', value: 1 } as const);
      return { kind: 'ack', outcome: { record: ended, ttl: 60_000 } };
    },
  );
  await required(connection.broker).publish([fails, works]);
  await seen.arrived(2);
  await emptied(connection, 'billing');
  const { counts, jobs } = await shown('failed');
  expect(counts).toMatchObject({ failed: 1, completed: 0, active: 0 });
  expect(jobs).toMatchObject([
    {
      id: fails.id,
      name: 'billing.charge',
      failedReason: 'CardDeclined: no funds',
      stacktrace: [stack],
      data: { args: ['fail'] },
    },
  ]);
  const { job } = (await board.get('/api/queues/:queueName/:jobId', { queueName: 'billing', jobId: fails.id })) as {
    job: ShownJob;
  };
  expect(job).toMatchObject({ id: fails.id, failedReason: 'CardDeclined: no funds' });
  await seen.consumer.close(1_000);
});

it('lists our workers by name', async () => {
  const seen = await consume(connection, { queues: ['billing'], worker: 'shop@host:1' });
  await until(async () => (await queue.getWorkers()).length > 0, { what: 'the worker in CLIENT LIST' });
  expect((await queue.getWorkers()).map((worker) => worker['rawname'])).toEqual([
    expect.stringContaining(':w:shop@host:1'),
  ]);
  await seen.consumer.close(1_000);
});

it('lets a failed task be run again from the board', async () => {
  const failed = required((await shown('failed')).jobs[0]);
  const job = required(await queue.getJob(failed.id));
  await job.retry();
  const seen = await consume(connection, { queues: ['billing'] });
  await seen.arrived(1);
  expect(seen.deliveries[0]?.message).toMatchObject({ id: failed.id, task: 'billing.charge', args: ['fail'] });
  await seen.consumer.close(1_000);
});

it("runs a task of Lovage's anew that is retried from the board, with a new outcome", async () => {
  const app = new Lovage('board', { broker: server.url, drivers: [redisDriver] });
  let broken = true;
  const charge = app.task({ name: 'charge', maxRetries: 0 }, (amount: number) => {
    if (broken) throw new Error('no funds');
    return amount * 2;
  });
  await startWorker(app, { queues: ['billing'] });
  const result = await charge.applyAsync([21], { queue: 'billing' });
  await result.get({ timeout: '10s' }).catch(() => undefined);
  await until(async () => (await app.failures.list()).length === 1, { what: 'the failure' });
  const job = required(await queue.getJob(result.id));
  expect(await job.getState()).toBe('failed');
  broken = false;
  await job.retry();
  const again = app.asyncResult(result.id);
  await until(async () => (await again.state()) === 'SUCCESS', { what: 'the new outcome' });
  expect(await again.get({ timeout: '10s' })).toBe(42);
  expect(await app.failures.list()).toEqual([]);
  await app.close();
});
