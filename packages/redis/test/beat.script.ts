/** A process that beats, holds a lock, leads, or calls; what it does is in its one argument, as JSON. Says what happens on stdout. */
import { every, Lovage, type Schedulable } from '@lovage/core';
import { startBeat } from '@lovage/core/beat';
import { redisDriver } from '../src/index.ts';

interface Plan {
  readonly url: string;
  readonly prefix: string;
  readonly role: 'beat' | 'lock' | 'lead' | 'call';
  /** Call: under one key, or without. */
  readonly keyed?: boolean;
  /** Beat: how many entries, how often each, its lease. */
  readonly entries?: number;
  readonly interval?: number;
  readonly catchUp?: 'once' | { readonly all: number };
  /** Controls: no election, ids that do not come from the slot. */
  readonly elect?: boolean;
  readonly ownIds?: boolean;
  readonly ttl: number;
}

const plan: Plan = JSON.parse(process.argv[2] ?? '');
const app = new Lovage('ledger', {
  broker: plan.url,
  prefix: plan.prefix,
  drivers: [redisDriver],
  logLevel: 'silent',
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The same signature, sent under an id of its own each time. */
function forgetful(signature: Schedulable): Schedulable {
  return {
    toJSON: () => signature.toJSON(),
    applyAsync: (args, { taskId: _, ...options } = {}) => signature.applyAsync(args, options),
  };
}

async function beat(): Promise<void> {
  const note = app.remote<() => void>('note').si();
  for (let entry = 0; entry < (plan.entries ?? 0); entry += 1) {
    app.schedule(`e${entry}`, every(plan.interval ?? 500), plan.ownIds === false ? forgetful(note) : note, {
      catchUp: plan.catchUp ?? { all: 1000 },
    });
  }
  const running = await startBeat(app, { lease: plan.ttl, elect: plan.elect ?? true, refresh: '1s' });
  let led = false;
  setInterval(() => {
    if (running.leading === led) return;
    led = running.leading;
    say(led ? 'leads' : 'follows');
  }, 10);
  process.once('SIGTERM', () => void app.close().then(() => process.exit(0)));
}

async function lock(): Promise<void> {
  await app.lock('held', { ttl: plan.ttl });
  say('held');
  setInterval(() => {}, 1_000);
}

/** Writes its fence to a register in Redis every 20 ms, and never looks at its signal: a careless leader. */
function lead(): void {
  app.elect('register', {
    ttl: plan.ttl,
    onLeader: async (_signal, fence) => {
      say('leads');
      for (;;) {
        say(`writes ${fence}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  });
}

/** A hundred calls at once, when it is told to. */
async function call(): Promise<void> {
  const note = app.remote<() => string>('note');
  await app.asyncResult('nothing').state(); // connected
  process.stdin.once('data', async () => {
    const options = plan.keyed ? { idempotencyKey: 'one' } : {};
    const results = await Promise.all(Array.from({ length: 100 }, () => note.applyAsync([], options)));
    for (const { id } of results) say(`id ${id}`);
    await Promise.all(results.map((result) => result.get({ timeout: '20s' })));
    say('done');
  });
  say('ready');
}

if (plan.role === 'call') await call();
else if (plan.role === 'beat') await beat();
else if (plan.role === 'lock') await lock();
else lead();
