/** A worker with a batch task that writes its items to a ledger outside Redis. Its plan is its one argument, as JSON. */
import { appendFileSync } from 'node:fs';
import { type BatchItem, Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { redisDriver, streamsDriver } from '../src/index.ts';

/** What a batch worker is told. */
export interface BatchPlan {
  readonly url: string;
  readonly prefix: string;
  readonly ledger: string;
  /** Kill itself, hard, in its second batch. */
  readonly dies: boolean;
  readonly acksLate: boolean;
}

const plan: BatchPlan = JSON.parse(process.argv[2] ?? '');
const app = new Lovage('ledger', {
  broker: plan.url,
  prefix: plan.prefix,
  drivers: [redisDriver, streamsDriver],
  logLevel: 'silent',
});
const write = (mark: string, items: readonly BatchItem[]): void =>
  appendFileSync(plan.ledger, items.map(({ id }) => `${mark} ${id}\n`).join(''));
let batches = 0;
app.batchTask({ name: 'rows', size: 25, wait: '100ms', acksLate: plan.acksLate }, async (items) => {
  write('S', items);
  batches += 1;
  if (plan.dies && batches === 2) {
    await new Promise((resolve) => setTimeout(resolve, 300)); // the first batch is settled by then
    process.kill(process.pid, 'SIGKILL');
  }
  write('E', items);
  return items.map(() => 'written');
});
await startWorker(app, { concurrency: 1, lockDuration: 1_000, stalledInterval: 500 });
process.stdout.write('ready\n');
