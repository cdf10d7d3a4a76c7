// A deadline travels with a call: what is called inside inherits it, and nothing begins for a caller who has left.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('deadlines', { logLevel: 'silent', conf: { taskDefaultQueue: 'deadlines' } });

const price = app.task({ name: 'price', bind: true }, (self) => (self.remaining() ?? 0) <= 2_000);
const quote = app.task({ name: 'quote', bind: true }, async (self) => {
  console.log(`quote: a caller waits ${(self.remaining() ?? 0) <= 2_000 ? 'at most 2 s' : 'longer'}`);
  return price.call([]); // no timeout of its own: it has what is left of quote's
});
const slow = app.task({ name: 'slow', bind: true }, async (self) => {
  await new Promise((resolve) => self.signal.addEventListener('abort', resolve, { once: true }));
  console.log(`slow: ${(self.signal.reason as Error).name}`);
  throw self.signal.reason;
});
let begun = 0;
const late = app.task('late', () => {
  begun += 1;
});

const impatient = await late
  .call([], { timeout: 100, taskId: `late-${process.pid}` })
  .catch((error: Error) => error.name);
console.log(`nobody works yet: ${impatient}`);

await startWorker(app, { queues: ['deadlines'] });
console.log(`price, called by quote, has its deadline: ${await quote.call([], { timeout: '2s' })}`);
const slowId = `slow-${process.pid}`;
await slow.call([], { timeout: 300, taskId: slowId }).catch(() => console.log('the caller of slow has left'));
await app.asyncResult(slowId).wait({ timeout: '5s' });
const outcome = await app
  .asyncResult(`late-${process.pid}`)
  .get({ timeout: '5s' })
  .catch((error: Error) => error.message.replace(/.*\(/, '('));
console.log(`late: begun ${begun} times, revoked ${outcome}`);

await app.close();
