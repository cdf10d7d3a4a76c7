// A worker started in code, with what the command has no flag for: `node runner.js '{"pool":"threads",…}'`.
import { startWorker, type WorkerOptions } from 'lovage/worker';
import { app } from './app.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions;
const worker = await startWorker(app, {
  ...options,
  appModule: { url: new URL('./app.js', import.meta.url).href, exportName: 'app' },
});
process.once('SIGTERM', async () => {
  await worker.close();
  await app.close();
  process.exit(0);
});
process.stderr.write('ready\n');
