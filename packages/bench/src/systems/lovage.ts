import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';
import { add as noOp, queueName, type System, slots } from './system.ts';

/** Lovage on whatever the URL names, with its defaults: results are stored, leases renewed, arguments checked. */
export function createLovageSystem(url: string): System {
  const app = new Lovage('bench', { broker: url, logLevel: 'error', conf: { taskDefaultQueue: queueName } });
  let ran = (): void => {};
  const add = app.task('add', (x: number, y: number) => {
    ran();
    return noOp(x, y);
  });
  const argsOf = (count: number): [number, number][] => Array.from({ length: count }, (_, index) => [index, 1]);
  return {
    async fill(count) {
      await add.delayMany(argsOf(count));
    },
    async work(onRun) {
      ran = onRun;
      await startWorker(app, { queues: [queueName], concurrency: slots });
    },
    async trip(count) {
      const results = await Promise.all(argsOf(count).map(([x, y]) => add.delay(x, y)));
      await Promise.all(results.map((result) => result.get()));
    },
    async call() {
      await add.call([2, 3]);
    },
    async send(count) {
      const results = await add.delayMany(argsOf(count));
      return async () => {
        await Promise.all(results.map((result) => result.get()));
      };
    },
    close: () => app.close(),
  };
}
