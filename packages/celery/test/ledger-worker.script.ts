/** A TypeScript worker in a process of its own, for tests that end it: the URL of its broker and its queue are its arguments. */
import { appendFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { celeryRedisDriver } from '../src/index.ts';

const [, , broker = '', queue = ''] = process.argv;
const app = new Lovage('ledger', { broker, drivers: [celeryRedisDriver], logLevel: 'error' });
app.task({ name: 'py.note', params: ['where', 'value'] }, async (where: string, value: number) => {
  await pause(2);
  await appendFile(where, `${value}\n`);
  return value;
});
app.task({ name: 'py.long', params: ['where', 'value'] }, async (where: string, value: number) => {
  await appendFile(where, `${value}\n`);
  await pause(12_000);
  return value;
});
const worker = await startWorker(app, { queues: [queue], concurrency: 2, name: `ts${process.pid}@host` });
process.once('SIGTERM', async () => {
  await worker.close({ drain: '60s' });
  await app.close();
});
process.stdout.write('ready\n');
