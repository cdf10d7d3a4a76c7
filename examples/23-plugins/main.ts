// Three plugins: how long tasks take, whose tasks they are, and a log of who did what.
import { AsyncLocalStorage } from 'node:async_hooks';
import { Lovage, type Plugin } from 'lovage';
import { startWorker } from 'lovage/worker';

const tenant = new AsyncLocalStorage<string>();

/** The tenant of a request follows its tasks, and the tasks that those send. */
const tenants: Plugin = {
  name: 'tenants',
  publish(call) {
    const current = tenant.getStore();
    if (current === undefined) throw new Error(`a call of ${call.task} outside of a tenant's request`);
    call.headers.tenant = current;
  },
  run: (run, next) => tenant.run(String(run.headers.tenant), next),
};

const slowest = new Map<string, number>();
const timing: Plugin = {
  name: 'timing',
  async run(run, next) {
    const started = performance.now();
    try {
      return await next();
    } finally {
      slowest.set(run.task, Math.max(slowest.get(run.task) ?? 0, performance.now() - started));
    }
  },
};

/** A task option of its own: what an auditor must see. */
const audited: string[] = [];
const audit: Plugin = {
  name: 'audit',
  taskOptions: { audit: (value) => value === true },
  on: {
    taskSuccess: ({ task, headers, options, value }) => {
      if (options.audit) audited.push(`${headers.tenant} ran ${task}: ${JSON.stringify(value)}`);
    },
    taskFailure: ({ task, headers, options, error }) => {
      if (options.audit) audited.push(`${headers.tenant} could not run ${task}: ${(error as Error).message}`);
    },
  },
};
declare module 'lovage' {
  interface PluginTaskOptions {
    /** An auditor sees how it ends. @default false */
    readonly audit?: boolean;
  }
}

const app = new Lovage('shop', { broker: 'memory://', logLevel: 'silent', plugins: [tenants, timing, audit] });

const price = app.task('price', (item: string) => item.length);
const order = app.task({ name: 'order', audit: true }, async (item: string) => {
  const cost = await price.call([item]); // sent from inside a task: the same tenant
  if (cost > 5) throw new Error(`${item} is too dear`);
  return `${tenant.getStore()} pays ${cost}`;
});

await startWorker(app);
console.log(await tenant.run('acme', () => order.call(['hat'])));
console.log(await tenant.run('umbrella', () => order.call(['trousers'])).catch((error: Error) => error.message));
console.log(await order.delay('hat').catch((error: Error) => error.message));
await app.close();

for (const line of audited) console.log(`audit: ${line}`);
console.log(`timed: ${[...slowest.keys()].sort().join(', ')}`);
