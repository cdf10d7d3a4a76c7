import { afterEach, expect, it } from 'vitest';
import { type LogFields, silentLogger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { until } from '../../testing/until.ts';
import { LoopWatch, type LoopWatchOptions } from './loop-watch.ts';

const lines: LogFields[] = [];
let watch: LoopWatch;
afterEach(async () => {
  lines.length = 0;
  await watch.close();
});

/** A driver's module that renews whatever it is told to. */
const module = 'data:text/javascript,export const createLeaseGuard = () => ({ renew: async () => 1, close() {} })';
const message = { id: 'a-task', task: 'reports.render' } as Message;

function create(options: Partial<LoopWatchOptions> = {}): void {
  const line = (_message: string, fields: LogFields = {}) => void lines.push(fields);
  const running = (): string[] => ['mail.send', 'mail.send', 'reports.render'];
  watch = new LoopWatch({
    logger: { ...silentLogger, warn: line, error: line },
    leaseDuration: 1_000,
    maxEventLoopBlock: 60_000,
    timeLimitGrace: 300,
    onBlockedLimit: 'release',
    running,
    ...options,
  });
}

const plan = { name: 'test', module, data: undefined };

async function start(guarded: boolean): Promise<void> {
  create();
  if (guarded) await watch.prepare(plan);
  watch.guard(guarded ? plan : undefined);
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('names the task that blocks the event loop, and has its lease renewed meanwhile', async () => {
  await start(true);
  watch.enter(message);
  block(2_000);
  watch.leave();
  await until(() => lines.length > 0, { what: 'the line' });
  expect(lines).toEqual([
    { forMs: expect.any(Number), task: 'reports.render', taskId: 'a-task', leaseRenewals: expect.any(Number) },
  ]);
  expect(lines[0]?.forMs).toBeGreaterThan(1_500);
  expect(lines[0]?.leaseRenewals).toBeGreaterThan(2);
  expect(watch.lag).toBeGreaterThan(1_500);
});

it('names the tasks that run when one of them blocks after it has waited, or nobody watches', async () => {
  await start(false);
  block(1_500);
  await until(() => lines.length > 0, { what: 'the line' });
  expect(lines).toEqual([{ forMs: expect.any(Number), running: ['mail.send', 'reports.render'], leaseRenewals: 0 }]);
});

it('says nothing of short blocks', async () => {
  await start(true);
  watch.enter(message);
  block(500);
  watch.leave();
  await until(() => watch.lag > 300, { what: 'the lag' });
  expect(lines).toEqual([]);
});

it('names a task on the blocked loop itself when its hard limit has passed, and lets its lease go', async () => {
  await start(true);
  watch.beginLimit(message, 100);
  let named: LogFields | undefined;
  for (const end = performance.now() + 10_000; performance.now() < end && named === undefined; ) named = lines[0];
  expect(named).toEqual({ task: 'reports.render', taskId: 'a-task' });
});

it('starts no worker without its thread: says where its program was looked for, and what to do', async () => {
  create({ threadFile: new URL('file:///nowhere/thread.js') });
  await expect(watch.prepare(plan)).rejects.toThrow(
    /\/nowhere\/thread\.js does not exist.*of lovage\/lease-renewal-thread.*leaseRenewalThread.*maxEventLoopBlock: 0/,
  );
  await watch.close();
  create({ threadFile: 'data:text/javascript,throw new Error("not for threads")' });
  await expect(watch.prepare(plan)).rejects.toThrow('not for threads');
  await watch.close();
  create({ threadFile: 'thread.js' });
  await expect(watch.prepare(plan)).rejects.toThrow('leaseRenewalThread: expected a URL');
  await watch.close();
  create();
  await expect(watch.prepare({ name: '@lovage/redis', module: undefined })).rejects.toThrow('of @lovage/redis');
  create({ maxEventLoopBlock: 0 });
  await watch.prepare({ name: '@lovage/redis', module: undefined }); // switched off
});

it('refuses options of a connection that no thread can be given', async () => {
  create();
  await watch.prepare(plan);
  const tls = { checkServerIdentity: () => undefined };
  expect(() => watch.guard({ ...plan, data: { connection: { tls } } })).toThrow('connection.tls without functions');
});

it('starts the thread again when it ends, and says so', async () => {
  const once = `data:text/javascript,import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ guards: ['test'] });`;
  create({ threadFile: once });
  await watch.prepare(plan);
  watch.guard(plan);
  await until(() => lines.length >= 2, { what: 'two ends' });
  expect(lines[0]).toMatchObject({ inMs: 1_000 });
});
