import { startWorker } from 'lovage/worker';
import { app } from './tasks.ts';

await startWorker(app, { concurrency: 2 });
console.log('ready');
process.once('SIGTERM', () => app.close());
