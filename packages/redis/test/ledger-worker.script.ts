/** A worker whose task writes its beginning and its end to a ledger outside Redis. Its plan is its one argument, as JSON. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { streamsDriver } from '../src/index.ts';

/** What a ledger worker is told. */
export interface LedgerPlan {
  readonly url: string;
  readonly prefix: string;
  readonly ledger: string;
  readonly slots: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
}

const plan: LedgerPlan = JSON.parse(process.argv[2] ?? '');
const app = new Lovage('ledger', {
  broker: plan.url,
  prefix: plan.prefix,
  drivers: [streamsDriver],
  logLevel: 'silent',
});
app.task({ name: 'ledger.write', bind: true }, async (self) => {
  appendFileSync(plan.ledger, `S ${self.id}\n`);
  await pause(5);
  appendFileSync(plan.ledger, `E ${self.id}\n`);
  return 'written';
});
await startWorker(app, {
  queues: ['ledger'],
  concurrency: plan.slots,
  lockDuration: plan.lockDuration,
  stalledInterval: plan.stalledInterval,
  crashBudget: 10,
});
process.stdout.write('ready\n');
