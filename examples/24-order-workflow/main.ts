// An order as a workflow: it charges, waits for a person, ships, or gives the money back; its worker may die at any line.
import { Lovage, type Run } from 'lovage';
import { startWorker } from 'lovage/worker';
import { z } from 'zod';

const app = new Lovage('shop', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://order', logLevel: 'silent' });
const Order = z.object({ id: z.string(), cents: z.number().int().positive() });
const Approval = z.object({ ok: z.boolean(), by: z.string() });

/** What the outside world saw. A real one keeps it by the idempotency key, as this does. */
const bank = new Map<string, string>();
const printLabel = app.task('label.print', (id: string) => `label of ${id}`);

const order = app.workflow({ name: 'order', input: Order, timeout: '30d', parkAfter: 50 }, async (w, input) => {
  const charge = await w.step('charge', () => {
    bank.set(w.stepId, `charged ${input.cents}`);
    return w.stepId;
  });
  w.compensate('refund', () => void bank.set(charge, `refunded ${input.cents}`));
  const answer = await w.event('approved', { schema: Approval, timeout: '3d', default: { ok: false, by: 'nobody' } });
  if (!answer.ok) throw new Error(`not approved by ${answer.by}`); // the compensations run, the last one first
  const label = await w.call(printLabel, [input.id]);
  return { label, by: answer.by };
});

const worker = await startWorker(app);
const [tea, gold] = await Promise.all([
  order.start({ id: 'tea', cents: 300 }, { id: 'order-tea' }),
  order.start({ id: 'gold', cents: 9_000_000 }, { id: 'order-gold' }),
]);
const again = await order.start({ id: 'tea', cents: 300 }, { id: 'order-tea' }); // the same id is the same run
console.log(again.id === tea.id);
await Promise.all([tea, gold].map(parked));
await worker.close(); // no worker is there while they wait, and nothing is lost

await startWorker(app);
await tea.send('approved', { ok: true, by: 'Ada' });
await gold.send('approved', { ok: false, by: 'Ada' });
console.log(JSON.stringify(await tea.get({ timeout: '20s' })));
console.log(await gold.get({ timeout: '20s' }).catch((error: Error) => error.message.replace(/^.*Error: /, '')));
console.log([...bank.values()].sort().join(', '));
console.log((await gold.timeline()).map(({ key }) => key).join(' → '));
await app.close();

/** Resolves when the run waits and holds no slot. */
async function parked(run: Run<unknown>): Promise<void> {
  while ((await run.status()).state !== 'PARKED') await new Promise((resolve) => setTimeout(resolve, 10));
}
