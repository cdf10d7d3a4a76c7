// A gate: a step of a canvas that waits for a person, holds no worker, and outlives all of them.
import { chain, gate, Lovage, type WaitingGate } from 'lovage';
import { startWorker } from 'lovage/worker';

const options = { broker: 'memory://gates', logLevel: 'silent' } as const;
const shop = new Lovage('shop', options);
const conf = { queue: 'orders' };
const request = shop.task({ name: 'request', ...conf }, (item: string, cents: number) => ({ item, cents }));
const ship = shop.task(
  { name: 'ship', ...conf },
  (answer: { by: string }, to: string) => `shipped to ${to}, says ${answer.by}`,
);

const canvas = chain(request.s(), gate<{ by: string }>('approval', { timeout: '7d' }), ship.s('Paris'));
const worker = await startWorker(shop, { queues: ['orders'] });
const [tea, gold] = [await canvas.delay('tea', 300), await canvas.delay('gold', 9_000_000)];

/** Somewhere else: an office that knows nothing but the broker. */
const office = new Lovage('office', options);
const waiting = await gates(2);
await worker.close(); // nobody works, and nothing is lost
for (const { id, name, input } of waiting) {
  const { item, cents } = input as { item: string; cents: number };
  console.log(`${name}: ${item} for ${cents / 100}`);
  if (cents < 100_000) await office.resolveGate(id, { by: 'Ada' });
  else await office.rejectGate(id, 'too dear');
}

await startWorker(shop, { queues: ['orders'] });
console.log(await tea.get({ timeout: '5s' }));
console.log(await gold.get({ timeout: '5s' }).catch((error: Error) => error.message.replace(/ \(\S+\)/, '')));
console.log(await office.resolveGate(waiting[1]?.id as string, 5).catch((error: Error) => error.name));

const lenient = chain(gate('feedback', { timeout: 100, default: 'no answer' }), request.s(0));
console.log(JSON.stringify(await lenient.call([], { timeout: '5s' })));

await Promise.all([shop.close(), office.close()]);

/** The gates that wait, once there are so many; those of the tea first. */
async function gates(count: number): Promise<readonly WaitingGate[]> {
  for (;;) {
    const list = await office.gates.list({ name: 'approval' });
    if (list.length === count)
      return [...list].sort((a, b) => JSON.stringify(b.input).localeCompare(JSON.stringify(a.input)));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
