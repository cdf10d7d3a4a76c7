// At most two syncs of a tenant at once, over two workers; the calls that wait hold no slot.
import { Lovage } from 'lovage';
import { Inspector } from 'lovage/inspect';
import { startWorker } from 'lovage/worker';

const app = new Lovage('crm', { logLevel: 'silent', conf: { taskDefaultQueue: 'syncs' } });

const running = new Map<string, number>();
const most = new Map<string, number>();

const sync = app.task(
  { name: 'crm.sync', concurrency: { key: ([tenant]) => tenant, limit: 2 } },
  async (tenant: string, contact: number) => {
    const now = (running.get(tenant) ?? 0) + 1;
    running.set(tenant, now);
    most.set(tenant, Math.max(most.get(tenant) ?? 0, now));
    await new Promise((resolve) => setTimeout(resolve, 20));
    running.set(tenant, (running.get(tenant) ?? 0) - 1);
    return contact;
  },
);
const ping = app.task('ping', () => 'pong');

await startWorker(app, { queues: ['syncs'], concurrency: 8, name: 'one' });
await startWorker(app, { queues: ['syncs'], concurrency: 8, name: 'two' });

const tenants = ['acme', 'globex', 'initech'];
const calls = await sync.delayMany(
  tenants.flatMap((tenant) => Array.from({ length: 12 }, (_, contact): [string, number] => [tenant, contact])),
);
console.log(`another task meanwhile: ${await ping.call([], { timeout: '10s' })}`);
const [counts] = await new Inspector(app).queues(['syncs']);
console.log(`some are held: ${(counts?.blocked ?? 0) > 0}`);
const contacts = await Promise.all(calls.map((call) => call.get({ timeout: '30s' })));
console.log(`done: ${contacts.length}`);
for (const tenant of tenants) console.log(`  ${tenant}: at most ${most.get(tenant)} at once`);

await app.close();
