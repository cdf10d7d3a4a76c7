// The app of pools.test.ts, as threads and processes load it: from the builds, since children load no TypeScript of ours.
import { Lovage } from '@lovage/core';
import { redisDriver } from '@lovage/redis';

export const app = new Lovage('pools', { drivers: [redisDriver], logLevel: 'silent' });
const add = app.task('add', (x, y) => x + y);
app.task('sum', (list) => list.reduce((total, value) => total + value, 0));

app.task({ name: 'tell', bind: true }, async (self) => {
  await self.progress({ current: 1, total: 2 });
  self.log.info('from the child', { step: 1 });
  await self.updateState('HALF', { done: 1 });
  return 'told';
});
app.task({ name: 'hold', bind: true }, async (self) => {
  await self.updateState('HOLDING', { since: 'now' });
  await new Promise((resolve) => self.signal.addEventListener('abort', resolve, { once: true }));
});
app.task({ name: 'again', bind: true, maxRetries: 2 }, (self) =>
  self.retries < 2 ? self.retry({ countdown: 10 }) : [self.attempt, self.retries],
);
app.task('send', async () => {
  const sent = await add.delay(2, 3);
  return sent.get({ timeout: '20s' });
});
app.task({ name: 'swap', bind: true }, (self) => self.replace(add.s(20, 22)));
app.task({ name: 'grow', bind: true }, async (self) => {
  await self.addToChord(add.s(10, 20));
  return 1;
});
