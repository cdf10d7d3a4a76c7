import { afterEach, expect, it } from 'vitest';
import { sleep, systemClock } from '../../clock.ts';
import { type LogFields, silentLogger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { until } from '../../testing/until.ts';
import { LoopWatch } from './loop-watch.ts';

const lines: LogFields[] = [];
let watch: LoopWatch;
afterEach(async () => {
  lines.length = 0;
  await watch.close();
});

/** A driver's module that renews whatever it is told to. */
const module = 'data:text/javascript,export const createLeaseGuard = () => ({ renew: async () => 1, close() {} })';
const message = { id: 'a-task', task: 'reports.render' } as Message;

async function start(guarded: boolean): Promise<void> {
  const logger = { ...silentLogger, warn: (_message: string, fields: LogFields = {}) => void lines.push(fields) };
  const running = (): string[] => ['mail.send', 'mail.send', 'reports.render'];
  watch = new LoopWatch({ logger, leaseDuration: 1_000, longestBlock: 60_000, running });
  watch.guard(guarded ? { module, data: undefined } : undefined);
  if (!guarded) return;
  await sleep(systemClock, 300); // the thread says nothing when it is there
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
