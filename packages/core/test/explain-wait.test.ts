import { deferred, until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { startWorker } from '../src/worker/start-worker.ts';

let apps = 0;
function makeApp(): Lovage {
  apps += 1;
  return new Lovage('shop', { broker: `memory://explain-${apps}`, logLevel: 'silent' });
}

const soon = { timeout: 50 };

it('a call that times out says that its queue has no consumer, or is paused', async () => {
  await using app = makeApp();
  const add = app.task({ name: 'add', queue: 'math' }, (x: number) => x);
  await startWorker(app, { queues: ['default'] });
  await expect(add.call([1], soon)).rejects.toThrow(
    /did not end within 50 ms .*: no worker that answers consumes queue "math": start one with lovage worker -Q math/,
  );
  await startWorker(app, { queues: ['math'], name: 'w1' });
  await new Inspector(app).pauseQueue('math');
  await expect(add.call([1], soon)).rejects.toThrow(/queue "math" is paused: lovage queues resume math/);
  await expect(add.s().call([1], soon)).rejects.toThrow(/queue "math" is paused/);
});

it('a call that times out says who holds its key, when it is delayed, and where it runs', async () => {
  await using app = makeApp();
  const gate = deferred();
  const charge = app.task(
    { name: 'charge', concurrency: { key: ([customer]) => customer, limit: 1 } },
    (_: string) => gate.promise,
  );
  const ship = app.task({ name: 'ship', orderingKey: ([order]) => order }, (_: string) => gate.promise);
  const worker = await startWorker(app, { name: 'w1', concurrency: 8 });
  const holder = await charge.delay('ann');
  const first = await ship.delay('o1');
  await until(() => worker.report().running.length === 2, { what: 'both to run', timeout: 60_000 });
  await expect(charge.call(['ann'], soon)).rejects.toThrow(
    `it waits for concurrency key "ann" of task "charge", held by task ${holder.id} on w1`,
  );
  await expect(ship.call(['o1'], soon)).rejects.toThrow(
    `it waits for ordering key "o1" of task "ship", held by task ${first.id} on w1`,
  );
  await expect(charge.call(['bob'], soon)).rejects.toThrow(/it runs on worker w1 for /);
  await expect(charge.call(['cy'], { ...soon, countdown: '1h' })).rejects.toThrow(/it is delayed for /);
  gate.resolve();
});
