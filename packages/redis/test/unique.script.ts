/** A worker with a unique task that writes its runs to a ledger outside Redis. Its plan is its one argument, as JSON. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { redisDriver, streamsDriver } from '../src/index.ts';

/** What a unique worker is told. */
export interface UniquePlan {
  readonly url: string;
  readonly prefix: string;
  readonly ledger: string;
}

const plan: UniquePlan = JSON.parse(process.argv[2] ?? '');
const app = new Lovage('ledger', {
  broker: plan.url,
  prefix: plan.prefix,
  drivers: [redisDriver, streamsDriver],
  logLevel: 'silent',
});
app.task({ name: 'build', bind: true }, async (self, key: string) => {
  appendFileSync(plan.ledger, `S ${key} ${self.id} ${process.pid}\n`);
  await pause(40);
  appendFileSync(plan.ledger, `E ${key} ${self.id} ${process.pid}\n`);
  return key;
});
await startWorker(app, { concurrency: 4, lockDuration: 1_000, stalledInterval: 500, crashBudget: 10 });
process.stdout.write('ready\n');
