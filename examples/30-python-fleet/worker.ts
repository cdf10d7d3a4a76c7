// The TypeScript side of the fleet: a worker whose tasks Python calls, and which calls Python's.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

// LOVAGE_BROKER_URL wins over this URL.
const app = new Lovage('fleet', { broker: 'celery+redis://localhost:6379/0' });

const rates: Readonly<Record<string, number>> = { se: 0.09, fr: 1, jp: 0.006 };

/** Amounts in the currency of a country, in cents, as cents of a euro. */
app.task('shop.convert', (amounts: number[], country: string) =>
  amounts.map((amount) => Math.round(amount * (rates[country] as number))),
);

/** The body of the chord: what the countries ordered. */
app.task('shop.report', (countries: number[][]) => ({
  orders: countries.flat().length,
  euros: countries.flat().reduce((sum, cents) => sum + cents, 0) / 100,
}));

await startWorker(app, { queues: ['typescript'], events: true });
console.log('the TypeScript worker is ready');

// A task of Python's, with its types.
const fetchOrders = app.remote<(country: string) => number[]>('shop.fetch_orders');
console.log(`Python says that France ordered ${await fetchOrders.call(['fr'], { queue: 'python', timeout: '2m' })}`);
