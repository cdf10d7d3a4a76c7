// Web server and worker in one process, which is all that memory:// can do. With a Redis, run the worker apart:
// LOVAGE_ROLE=web here, and `lovage worker -A ./examples/08-web-app/tasks.ts -Q invoices` as often as you like.
import { serve } from '@hono/node-server';
import { startWorker } from 'lovage/worker';
import { server } from './server.ts';
import { app } from './tasks.ts';

if (process.env['LOVAGE_ROLE'] !== 'web') await startWorker(app, { queues: ['invoices'] });

const http = serve(
  { fetch: server.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) },
  ({ port }) => console.log(`listening on http://127.0.0.1:${port}`),
);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    http.close(async () => {
      await app.close(); // the worker too: it finishes what it runs
      console.log('closed');
    });
  });
}
