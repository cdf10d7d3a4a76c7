// One handler for many calls: rows are inserted together, each caller gets its own key, one row fails alone.
import { type BatchItem, Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('batches', { logLevel: 'silent', conf: { taskDefaultQueue: 'batches' } });

const table: string[] = [];
const insert = app.batchTask(
  { name: 'rows.insert', size: 4, wait: '200ms' },
  (items: readonly BatchItem<[row: string]>[]) => {
    console.log(`insert ${items.map(({ args: [row] }) => row).join(', ')}`);
    return items.map((item) => {
      const [row] = item.args;
      if (row === 'busy' && item.self.retries === 0) return item.retry({ countdown: 0 });
      if (row === '') return new RangeError('an empty row');
      return table.push(row);
    });
  },
);

const results = await insert.delayMany([['a'], ['b'], ['c'], ['d'], ['e'], [''], ['busy']]);
await startWorker(app, { queues: ['batches'], concurrency: 1 }); // a batch takes one slot, whatever its size

for (const result of results) {
  const end = await result.get({ timeout: '10s' }).catch((error: Error) => error.message);
  console.log(`  ${end}`);
}
await app.close();
