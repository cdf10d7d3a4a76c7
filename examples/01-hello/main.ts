// What `npm start` runs: one process, no Redis. Tasks, a retry, progress, a failure.
import { Lovage, TaskFailedError } from 'lovage';
import { startWorker } from 'lovage/worker';
import { banner, line, next, step } from './story.ts';

// Silent, since this program tells its own story; a real one would keep the log.
const app = new Lovage('hello', { broker: 'memory://', logLevel: 'silent' });

const add = app.task('add', (x: number, y: number) => x + y);

const download = app.task(
  { name: 'download', bind: true, autoretryFor: [TypeError], retryBackoff: '20ms', retryJitter: false },
  async (self, file: string) => {
    line(`attempt ${self.attempt} of ${file}`, self.attempt < 3 ? 'failed: connection reset' : 'worked');
    if (self.attempt < 3) throw new TypeError('connection reset');
    return `${file} (after ${self.attempt} attempts)`;
  },
);

const resize = app.task({ name: 'resize', bind: true }, async (self, pictures: number) => {
  for (let done = 1; done <= pictures; done += 1) {
    self.progress({ done, of: pictures });
    await new Promise((resolve) => setTimeout(resolve, 30)); // the work
  }
  return `${pictures} pictures resized`;
});

class CardDeclined extends Error {
  override name = 'CardDeclined';
  amount = 0;
}
const charge = app.task('charge', (amount: number): string => {
  throw Object.assign(new CardDeclined('the bank said no'), { amount });
});

const started = performance.now();
const worker = await startWorker(app, { concurrency: 4 });
banner(`one process, ${worker.slots} slots, broker: ${worker.broker.version}`);

step('A typed task, sent and awaited', 'await (await add.delay(2, 3)).get()');
const sent = await add.delay(2, 3);
line('sent', sent.id);
line('result', await sent.get());

step('Request and reply in one call', 'await add.call([40, 2])');
line('result', await add.call([40, 2]));

step('Retries with backoff', "autoretryFor: [TypeError], retryBackoff: '20ms'");
line('result', await download.call(['logo.png']));

step('Live progress', 'for await (const at of result.progress())');
const resizing = await resize.delay(3);
for await (const at of resizing.progress()) line('progress', JSON.stringify(at));
line('result', await resizing.get());

step('A failure comes back with its details', 'catch (error) { error instanceof TaskFailedError }');
const failed = await charge.call([120]).catch((error: unknown) => error);
if (failed instanceof TaskFailedError) {
  line(failed.name, `${failed.remoteName}: ${failed.message}`);
  line('details', `code ${failed.code}, attempts ${failed.attempts}, data ${JSON.stringify(failed.data)}`);
}

step('Wrong arguments are not sent', "tsc: '3' is not a number; and for what no compiler sees:");
const unsendable = await add.delay(2, Number.NaN).catch((error: Error) => error);
if (unsendable instanceof Error) line(unsendable.name, unsendable.message);

step('A thousand at once', 'await add.delayMany(pairs)');
const results = await add.delayMany(Array.from({ length: 1000 }, (_, i): [number, number] => [i, 1]));
const values = await Promise.all(results.map((result) => result.get()));
line(
  'sum of the results',
  values.reduce((sum, value) => sum + value, 0),
);

const { counts } = worker.report();
await app.close();
next(counts, performance.now() - started);
