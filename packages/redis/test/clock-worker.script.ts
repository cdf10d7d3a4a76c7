// A worker whose clock may be off: `node --import <sets Date.now> clock-worker.script.ts '{"url":…,"prefix":…}'`.
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { redisDriver, streamsDriver } from '../src/index.ts';

const { url, prefix } = JSON.parse(process.argv[2] as string) as { readonly url: string; readonly prefix: string };
const conf = { broadcastQueues: ['fanout'] };
const app = new Lovage('clock', { broker: url, prefix, drivers: [redisDriver, streamsDriver], conf });

/** The true time, which the clock that was set wrong does not know. */
const now = (): number => performance.timeOrigin + performance.now();

app.task({ name: 'when', bind: true, defaultRetryDelay: '1500ms' }, (self, what: string) => {
  if (what === 'retried' && self.retries === 0) throw self.retry();
  return now();
});
process.on('message', (ms: number) => {
  (globalThis as { skew?: number }).skew = ms;
  process.send?.('set');
});
await startWorker(app, { queues: ['default', 'fanout'] });
process.stdout.write('ready\n');
