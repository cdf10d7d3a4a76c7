/** A process that holds a lock, or calls; what it does is in its one argument, as JSON. Says what happens on stdout. */
import { type CallOptions, Lovage } from '@lovage/core';
import { redisDriver, streamsDriver } from '../src/index.ts';

interface Plan {
  readonly url: string;
  readonly prefix: string;
  readonly role: 'lock' | 'call';
  /** Call: with these options. */
  readonly options?: CallOptions;
  readonly ttl: number;
}

const plan: Plan = JSON.parse(process.argv[2] ?? '');
const app = new Lovage('ledger', {
  broker: plan.url,
  prefix: plan.prefix,
  drivers: [redisDriver, streamsDriver],
  logLevel: 'silent',
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function lock(): Promise<void> {
  await app.lock('held', { ttl: plan.ttl });
  say('held');
  setInterval(() => {}, 1_000);
}

/** A hundred calls at once, when it is told to. */
async function call(): Promise<void> {
  const note = app.remote<() => string>('note');
  await app.asyncResult('nothing').state(); // connected
  process.stdin.once('data', async () => {
    const results = await Promise.all(Array.from({ length: 100 }, () => note.applyAsync([], plan.options)));
    for (const { id } of results) say(`id ${id}`);
    await Promise.all(results.map((result) => result.get({ timeout: '20s' })));
    say('done');
  });
  say('ready');
}

if (plan.role === 'call') await call();
else await lock();
