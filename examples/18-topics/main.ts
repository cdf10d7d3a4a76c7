// Topics: live subscribers hear what is published while they listen; a durable one gets a task for every message.
import { defineTopic, Lovage, type TopicMessage } from 'lovage';
import { startWorker } from 'lovage/worker';
import { z } from 'zod';

const shop = new Lovage('shop', { broker: 'memory://orders', logLevel: 'silent' });
const created = defineTopic('order.created', { payload: z.object({ id: z.string(), cents: z.number().int() }) });

/** Another service: its billing must not miss an order. */
function openBilling(): Lovage {
  const app = new Lovage('billing', { broker: 'memory://orders', logLevel: 'silent' });
  const bill = app.task({ name: 'billing.bill', queue: 'bills' }, (order: { id: string }, { topic }: TopicMessage) => {
    console.log(`billing: ${topic} ${order.id}`);
    if (order.id === 'o2') done();
  });
  app.subscription('billing', created, bill);
  return app;
}
let done: () => void = () => {};
const billed = new Promise<void>((resolve) => {
  done = resolve;
});

const first = openBilling();
await startWorker(first, { queues: ['bills'] }); // publishers know the group from now on
await first.close(); // and it is away

let onHeard: () => void = () => {};
const heard = new Promise<void>((resolve) => {
  onHeard = resolve;
});
await shop.subscribe('order.*', (order, { topic }) => {
  console.log(`screen: ${topic} ${JSON.stringify(order)}`);
  onHeard();
}); // resolves when what is published from now on is heard
await shop.publish('order.opened', 'nobody minds');
await heard;

const { groups } = await shop.publish(created, { id: 'o1', cents: 250 });
console.log(`a task was sent for: ${groups.join(', ')}`);
await shop.publish(created, { id: 'o2', cents: 100 }, { id: 'the-second' });
await shop.publish(created, { id: 'o2', cents: 100 }, { id: 'the-second' }); // again: the same message
console.log(await shop.publish(created, { id: 'o3', cents: 0.5 }).catch((error: Error) => error.message));

const second = openBilling();
await startWorker(second, { queues: ['bills'], concurrency: 1 });
await billed;
console.log(`waiting: ${(await shop.topics.groups()).map(({ name, pattern }) => `${name} for ${pattern}`).join(', ')}`);

await Promise.all([shop.close(), second.close()]);
