// What a lock cannot promise, and what makes the resource safe all the same: it refuses a smaller fence than it has seen.
import { setTimeout as after } from 'node:timers/promises';
import { type Lock, LockLostError, Lovage } from 'lovage';

const options = { broker: 'memory://bank', logLevel: 'silent' } as const;
const [first, second] = [new Lovage('bank', options), new Lovage('bank', options)]; // stand for two processes

/** The resource: a row of a database, say, whose update says `where fence <= $1`. */
class Account {
  balance = 100;
  #fence = 0;

  write(who: string, balance: number, fence: number): void {
    if (fence < this.#fence) {
      console.log(`${who}: refused: fence ${fence - start} after ${this.#fence - start}`);
      return;
    }
    this.#fence = fence;
    this.balance = balance;
    console.log(`${who}: wrote ${balance} under fence ${fence - start}`);
  }
}

const account = new Account();
const lock = await first.lock('account', { ttl: '300ms' });
const start = lock.fence; // fences grow for ever: told from here on
const successor = second.lock('account', { ttl: '10s', wait: '10s' });
await slow('slow', lock);
console.log(`balance: ${account.balance}`);

/** Looks at its lock, is paused for longer than its lease, and writes what it had in mind. */
async function slow(who: string, held: Lock): Promise<void> {
  const seen = account.balance;
  console.log(`${who}: holds the lock: ${held.held}`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600); // garbage collection, a moved machine, SIGSTOP
  await quick('quick');
  account.write(who, seen - 10, held.fence);
  console.log(`${who}: holds the lock: ${held.held}, ${held.signal.reason instanceof LockLostError ? 'lost it' : ''}`);
}

/** Gets the lock when the lease of the other has run out. */
async function quick(who: string): Promise<void> {
  await using own = await successor;
  account.write(who, account.balance + 50, own.fence);
  await after(1);
}

await Promise.all([first.close(), second.close()]);
