import { chord, every, Lovage } from 'lovage';
import { startBeat } from 'lovage/beat';
import { startWorker } from 'lovage/worker';

const app = new Lovage('shop', { logLevel: 'silent' });

// new Worker('mail', processor), job.updateProgress, { attempts: 3, backoff: { type: 'exponential', delay: 20 } }
const welcome = app.task(
  {
    name: 'welcome',
    queue: 'mail',
    maxRetries: 2,
    autoretryFor: [Error],
    retryBackoff: 20,
    retryJitter: false,
    bind: true,
  },
  async (self, { to }: { to: string }) => {
    await self.progress(50);
    if (self.attempt === 1) throw new Error('mail server is busy');
    return `sent to ${to} in attempt ${self.attempt}`;
  },
);

// limiter: { max: 100, duration: 1000 }
const resize = app.task({ name: 'resize', queue: 'images', rateLimit: '100/s' }, (path: string) => path.length);

// FlowProducer: a parent with children, getChildrenValues()
const report = app.task('report', (sizes: readonly number[]) => `report of ${sizes.join(' + ')}`);

// upsertJobScheduler('tick', { every: 100 })
let ticks = 0;
const tick = app.task('tick', () => {
  ticks += 1;
});
app.schedule('tick', every(100), tick.s());

await startWorker(app, { concurrency: 8 });
const beat = await startBeat(app, { elect: false });

// job.waitUntilFinished(queueEvents)
const job = await welcome.delay({ to: 'a@b.c' });
console.log(await job.get({ timeout: '60s' }));

// queue.addBulk
const jobs = await resize.delayMany([['a.png'], ['photo.jpg']]);
console.log(await Promise.all(jobs.map((sent) => sent.get({ timeout: '60s' }))));

console.log(await chord([resize.s('a.png'), resize.s('bb.png')], report.s()).call([], { timeout: '60s' }));

while (ticks < 2) await new Promise((resolve) => setTimeout(resolve, 10));
console.log('the scheduler ticks');
await beat.close();
await app.close();
