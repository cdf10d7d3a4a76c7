import { chain, chord, every, group, Lovage, type Plugin } from 'lovage';
import { startBeat } from 'lovage/beat';
import { startWorker } from 'lovage/worker';

class NetworkError extends Error {}

// @task_failure.connect
const failures: string[] = [];
const signals: Plugin = { name: 'signals', on: { taskFailure: ({ task }) => void failures.push(task) } };

const app = new Lovage('proj', { logLevel: 'silent', plugins: [signals] });

// class BaseTask(Task): autoretry_for = (NetworkError,); retry_backoff = True; max_retries = 3
const base = app.withDefaults({ autoretryFor: [NetworkError], retryBackoff: 20, maxRetries: 3 });

// @app.task(bind=True, base=BaseTask)
const fetchPage = base.task({ name: 'proj.fetch', bind: true }, (self, url: string) => {
  if (url === 'flaky' && self.retries === 0) throw new NetworkError('reset by peer');
  return url.length;
});
const total = app.task('proj.total', (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0));
const add = app.task('proj.add', (x: number, y: number) => x + y);
const broken = app.task('proj.broken', () => {
  throw new RangeError('as asked');
});
const said: string[] = [];
const errback = app.task('proj.errback', (id: string) => void said.push(id));
let beats = 0;
const heartbeat = app.task('proj.heartbeat', () => {
  beats += 1;
});

await startWorker(app);

// add.delay(2, 3).get()
console.log(await add.call([2, 3], { timeout: '60s' }));
// (add.s(2, 2) | add.s(4) | add.s(8))()
console.log(await chain(add.s(2, 2), add.s(4), add.s(8)).call([], { timeout: '60s' }));
// group(add.s(i, i) for i in range(3))()
console.log(await group([0, 1, 2].map((i) => add.s(i, i))).call([], { timeout: '60s' }));
// chord(fetch.s(u) for u in urls)(total.s())
console.log(
  await chord(
    ['a', 'flaky'].map((url) => fetchPage.s(url)),
    total.s(),
  ).call([], { timeout: '60s' }),
);

// broken.apply_async(link_error=errback.s())
const failed = await broken.applyAsync([], { linkError: errback.s() });
console.log(await failed.get({ timeout: '60s' }).catch((error: Error) => error.message));
while (said.length === 0 || failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(said[0] === failed.id, failures);

// app.conf.beat_schedule
app.schedule('heartbeat', every(100), heartbeat.s());
const beat = await startBeat(app, { elect: false });
while (beats < 2) await new Promise((resolve) => setTimeout(resolve, 10));
console.log('beat fires');
await beat.close();
await app.close();
