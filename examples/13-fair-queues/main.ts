// A tenant with two thousand reports waiting, and two that come later with twenty each: they need not wait for it.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('reports', { logLevel: 'silent', conf: { taskDefaultQueue: 'reports' } });

const order: string[] = [];
const render = app.task(
  {
    name: 'report.render',
    fairness: { key: ([tenant]) => tenant, weight: (tenant) => (tenant === 'gold' ? 2 : 1), window: 20 },
  },
  async (tenant: string, _report: number) => {
    order.push(tenant);
    await new Promise((resolve) => setTimeout(resolve, 1));
  },
);
const reports = (tenant: string, count: number) =>
  render.delayMany(Array.from({ length: count }, (_, report): [string, number] => [tenant, report]));

await reports('large', 2_000);
const small = await reports('small', 20);
const gold = await reports('gold', 20);
const worker = await startWorker(app, { queues: ['reports'], concurrency: 4 });

await Promise.all(gold.map((result) => result.get({ timeout: '30s' })));
const count = (tenant: string) => order.filter((one) => one === tenant).length;
const half = (done: number) => done >= 7 && done <= 13; // of 20, give or take what the window holds
console.log(`when the 20 of gold are done, small has had half as many: ${half(count('small'))}`);
await Promise.all(small.map((result) => result.get({ timeout: '30s' })));
console.log(`and all of small are done before the backlog: ${count('large') < 200}`);

await worker.close();
await app.close();
