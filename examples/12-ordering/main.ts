// Bookings of an account run in the order in which they were sent, also when one has to be tried again; a failure closes the account.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('bank', { logLevel: 'silent', conf: { taskDefaultQueue: 'bookings' } });

/** A ledger that refuses whatever comes with a smaller fence than it has seen. */
class Account {
  readonly bookings: number[] = [];
  #fence = 0;

  book(amount: number, fence: number): void {
    if (fence <= this.#fence) throw new Error('a worker that lost its lease works on');
    this.#fence = fence;
    this.bookings.push(amount);
  }
}
const accounts = new Map<string, Account>();

const book = app.task(
  { name: 'account.book', bind: true, orderingKey: ([account]) => account, orderingPolicy: 'halt' },
  async (self, id: string, amount: number) => {
    if (amount === 3 && self.retries === 0) throw self.retry({ countdown: 50 }); // those behind it wait
    if (amount === 0) throw new Error('nothing to book');
    const account = accounts.get(id) ?? new Account();
    accounts.set(id, account);
    account.book(amount, self.fence ?? 0);
  },
);

await startWorker(app, { queues: ['bookings'], name: 'one' });
await startWorker(app, { queues: ['bookings'], name: 'two' });

const ids = ['a', 'b', 'c'];
const bookings = await book.delayMany(
  [1, 2, 3, 4, 5].flatMap((amount) => ids.map((id): [string, number] => [id, amount])),
);
await Promise.all(bookings.map((booking) => booking.get({ timeout: '30s' })));
for (const id of ids) console.log(`${id}: ${accounts.get(id)?.bookings.join(' ')}`);

// A booking fails: its account is closed, the others go on.
const [failed, waits] = await book.delayMany([
  ['a', 0],
  ['a', 6],
]);
await (await book.delay('b', 6)).get({ timeout: '30s' });
await failed?.wait({ timeout: '30s' });
while ((await app.control.haltedKeys()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
console.log(`closed: ${(await app.control.haltedKeys()).map(({ task, key }) => `${task} ${key}`)}`);
console.log(`a: ${accounts.get('a')?.bookings.join(' ')}`);

await app.control.resumeKey('account.book', 'a');
await waits?.get({ timeout: '30s' });
console.log(`a, resumed: ${accounts.get('a')?.bookings.join(' ')}`);

await app.close();
