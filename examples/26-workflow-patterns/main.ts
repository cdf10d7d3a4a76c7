// Six patterns of workflows, each a few lines: saga, human approval, polling, fan-out, a loop like cron, an agent loop.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('patterns', {
  broker: process.env.LOVAGE_BROKER_URL ?? 'memory://patterns',
  logLevel: 'silent',
});
const outside: string[] = [];
const act = (what: string): string => {
  outside.push(what);
  return what;
};

/** A saga: what was done is undone in reverse when a later step fails for good. */
const trip = app.workflow({ name: 'trip' }, async (w, city: string) => {
  await w.step('hotel', () => act('hotel'));
  w.compensate('cancel hotel', () => act('no hotel'));
  await w.step('flight', () => act('flight'));
  w.compensate('cancel flight', () => act('no flight'));
  await w.step('car', () => {
    throw new Error(`no cars in ${city}`);
  });
});

/** A person decides, or nobody does in time. */
const approval = app.workflow({ name: 'approval' }, async (w, cents: number) => {
  const by = await w.event('decided', { timeout: cents > 100 ? '1d' : 10, default: 'the clock' });
  return `${cents}: ${String(by)}`;
});

/** Something outside has no callback: ask again, ever more seldom. */
const poll = app.workflow({ name: 'poll' }, async (w, ready: number) => {
  for (let turn = 1; ; turn += 1) {
    if (await w.step('look', () => turn >= ready)) return `ready after ${turn} looks`;
    await w.sleep(Math.min(10 * 2 ** turn, 60_000));
  }
});

/** Many children at once, a few at a time. */
const square = app.workflow({ name: 'square' }, async (w, n: number) => w.step('square', () => n * n));
const fanOut = app.workflow({ name: 'fan-out' }, async (w, numbers: number[]) => {
  const sums: number[] = [];
  for (let from = 0; from < numbers.length; from += 5) {
    const some = numbers.slice(from, from + 5);
    sums.push(...(await Promise.all(some.map((n) => w.child(square, n)))));
  }
  return sums.reduce((sum, n) => sum + n, 0);
});

/** A loop for ever: `continueAs` begins a new log each time, so that it does not grow. */
const nightly = app.workflow({ name: 'nightly' }, async (w, night: number): Promise<string> => {
  await w.step('report', () => act(`report ${night}`));
  if (night === 3) return 'the third is enough here';
  await w.sleep(10); // '1d'
  return w.continueAs(night + 1);
});

/** A loop that a model steers; every call is a stored step. */
const agent = app.workflow({ name: 'agent' }, async (w, goal: number) => {
  let sum = 0;
  while (sum < goal) sum += await w.step('tool', () => 3);
  return sum;
});

await startWorker(app);
const timeout = '20s';
const saga = await trip.start('Oslo');
console.log(await saga.get({ timeout }).catch((error: Error) => error.message.replace(/^.*Error: /, '')));
console.log(outside.splice(0).join(', '));
const asked = await approval.start(500);
await asked.send('decided', 'Ada');
console.log(await asked.get({ timeout }));
console.log(await (await approval.start(5)).get({ timeout }));
console.log(await (await poll.start(3)).get({ timeout }));
console.log(await (await fanOut.start(Array.from({ length: 12 }, (_, n) => n))).get({ timeout }));
console.log(await (await nightly.start(1)).get({ timeout }));
console.log(outside.splice(0).join(', '));
console.log(await (await agent.start(10)).get({ timeout }));
await app.close();
