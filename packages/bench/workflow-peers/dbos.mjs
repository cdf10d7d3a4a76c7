import { DBOS } from '@dbos-inc/dbos-sdk';
import { measure } from './measure.mjs';

const flow = DBOS.registerWorkflow(
  async (count) => {
    let sum = 0;
    for (let step = 0; step < count; step += 1) sum += await DBOS.runStep(async () => 1, { name: 'add' });
    return sum;
  },
  { name: 'flow' },
);
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env.BENCH_DATABASE_URL,
  runAdminServer: false,
  logLevel: 'error',
});
await DBOS.launch();
await measure(
  async (count) => (await DBOS.startWorkflow(flow)(count)).getResult(),
  () => DBOS.shutdown(),
);
