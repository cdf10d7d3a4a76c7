// The classic first program: two tasks, two queues, one worker.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('first-program', { logLevel: 'error' });
const add = app.task('add', (x: number, y: number) => x + y);
const multiply = app.task('multiply', (x: number, y: number) => x * y);

const sum = await add.applyAsync([2, 3], { queue: 'add' });
const product = await multiply.applyAsync([2, 3], { queue: 'multiply' });

// The tasks wait in their queues; a worker that consumes both runs them.
await startWorker(app, { queues: ['add', 'multiply'] });

console.log(await sum.get({ timeout: '10s' }));
console.log(await product.get({ timeout: '10s' }));

await app.close(); // the worker too
