/** The program of a pool's thread or process, of a worker that is no bundle. */
import { loadAppModule } from './load-app-module.ts';
import { serve } from './pool-child.ts';

await serve(({ app }) => {
  if (app === undefined) throw new Error('startWorker was given no appModule');
  return loadAppModule(app);
});
