// How many slots a queue needs: a worker under load, measured while it works.
import { Lovage } from 'lovage';
import { measureCapacity } from 'lovage/inspect';
import { startWorker } from 'lovage/worker';

const app = new Lovage('capacity', { logLevel: 'silent', conf: { taskDefaultQueue: 'capacity' } });

/** Random times, as calls come and work takes: most are short, few are long. */
const random = (mean: number): number => -mean * Math.log(1 - Math.random());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const work = app.task({ name: 'work', ignoreResult: true }, () => pause(random(40)));
await startWorker(app, { queues: ['capacity'], concurrency: 4 });

let calling = true;
const caller = (async () => {
  while (calling) {
    await Promise.all([work.delay(), pause(random(20))]);
  }
})();

const { slots, arrivalRate, serviceTime, utilisation, predicted, measured, slotsNeeded } = await measureCapacity(
  app,
  'capacity',
  { over: '4s', waitP95: '20ms' },
);
calling = false;
await caller;

const ms = (time = Number.NaN): string => `${time.toFixed(1)} ms`;
console.log(`${slots} slots, ${arrivalRate.toFixed(0)} calls a second of ${ms(serviceTime)} each`);
console.log(`utilisation ${((utilisation ?? 0) * 100).toFixed(0)} %`);
console.log(`mean wait: predicted ${ms(predicted.mean)}, measured ${ms(measured.mean)}`);
console.log(`95 of 100 wait no longer than: predicted ${ms(predicted.p95)}, measured ${ms(measured.p95)}`);
console.log(`slots for 20 ms: ${slotsNeeded}`);
await app.close();
