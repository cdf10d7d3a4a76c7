// A broadcast: every worker that consumes the queue runs the task once, and the caller hears from each of them.
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const conf = { broadcastQueues: ['cache-fanout'] };
const prices = new Map([['shop', new Map([['tea', 3]])]]);

/** Stands for a process with a cache of its own. */
async function startShop(name: string): Promise<Lovage> {
  const app = new Lovage('shops', { broker: 'memory://shops', conf, logLevel: 'silent' });
  const cache = new Map(prices.get('shop'));
  app.task('cache.clear', () => {
    const held = cache.size;
    cache.clear();
    return held;
  });
  await startWorker(app, { name, queues: ['cache-fanout'] });
  return app;
}

const shops = [await startShop('north'), await startShop('south')];
const office = new Lovage('office', { broker: 'memory://shops', conf, logLevel: 'silent' });
const clear = office.remote<() => number>('cache.clear');

const sent = await office.broadcast(clear, [], { queue: 'cache-fanout' });
console.log(`sent to ${[...sent.workers].sort().join(' and ')}`);
for (const [worker, reply] of Object.entries(await sent.replies({ timeout: '5s' })).sort()) {
  console.log(`${worker}: ${'value' in reply ? `cleared ${reply.value}` : reply.error.name}`);
}

await shops[0]?.close();
const again = await office.broadcast(clear, [], { queue: 'cache-fanout' });
console.log(`after north has closed: sent to ${again.workers.join(' and ')}`);
console.log(await office.broadcast(clear, [], { queue: 'cache-fan' }).catch((error: Error) => error.message));

await Promise.all([office.close(), shops[1]?.close()]);
