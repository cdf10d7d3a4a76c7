// Runs what Python or TypeScript sends to both queues.
import { startWorker } from 'lovage/worker';
import { app } from './app.ts';

await startWorker(app, { queues: ['add', 'multiply'] });
console.log('the TypeScript worker is ready');
