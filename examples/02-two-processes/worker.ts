// A worker in code. `lovage worker -A ./examples/02-two-processes/tasks.ts` does the same and needs no file.
import { startWorker } from 'lovage/worker';
import { app } from './tasks.ts';

const worker = await startWorker(app, { concurrency: 8 });
console.log(`worker ${worker.name} is ready on ${worker.broker.version}; Ctrl-C ends it`);

// A library sets no signal handlers; the program that owns the process does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await worker.close({ drain: '25s' }); // running tasks finish, nothing new is fetched
    await app.close();
    console.log(`worker closed after ${worker.report().counts.succeeded} tasks`);
  });
}
