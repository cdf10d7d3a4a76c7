import { OpenWorkflow } from 'openworkflow';
import { BackendPostgres } from 'openworkflow/postgres';
import { measure } from './measure.mjs';

const backend = await BackendPostgres.connect(process.env.BENCH_DATABASE_URL);
const client = new OpenWorkflow({ backend });
const flow = client.defineWorkflow({ name: 'flow' }, async ({ input, step }) => {
  let sum = 0;
  for (let index = 0; index < input.count; index += 1) sum += await step.run({ name: `add ${index}` }, () => 1);
  return sum;
});
const worker = client.newWorker({ concurrency: 50 });
await worker.start();
await measure(async (count) => (await flow.run({ count })).result());
