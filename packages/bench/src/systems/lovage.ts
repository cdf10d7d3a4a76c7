import { type AnySignature, chord, group, Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';
import { add as noOp, queueName, type System, slots } from './system.ts';

/** Lovage on whatever the URL names, with its defaults: results are stored, leases renewed, arguments checked. */
export function createLovageSystem(
  url: string,
  { concurrency = slots, events = false }: { readonly concurrency?: number; readonly events?: boolean } = {},
): System {
  const app = new Lovage('bench', { broker: url, logLevel: 'error', conf: { taskDefaultQueue: queueName } });
  let ran = (): void => {};
  const add = app.task('add', (x: number, y: number) => {
    ran();
    return noOp(x, y);
  });
  const inOrder = app.task('inOrder', (list: readonly unknown[]) => areInOrder(list));
  function* members(count: number, onMember: (index: number) => void): Generator<AnySignature> {
    for (let index = 0; index < count; index += 1) {
      onMember(index);
      yield add.s(index, 1);
    }
  }
  const argsOf = (count: number): [number, number][] => Array.from({ length: count }, (_, index) => [index, 1]);
  return {
    async fill(count) {
      await add.delayMany(argsOf(count));
    },
    async delay(count) {
      await add.delayMany(argsOf(count), { countdown: '1h' });
    },
    async work(onRun, atOnce = concurrency) {
      ran = onRun;
      await startWorker(app, { queues: [queueName], concurrency: atOnce, events });
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
    async chord(count) {
      const sum = await chord(
        members(count, () => {}),
        inOrder.s(),
      ).call([]);
      if (sum !== count) throw new Error(`the body of a chord of ${count} was given ${sum} values in their order`);
    },
    async group(count, onMember) {
      const values: unknown = await group(members(count, onMember)).call([]);
      if (areInOrder(values as unknown[]) !== count) throw new Error(`a group of ${count} lost a value`);
    },
    close: () => app.close(),
  };
}

/** How many values are what `add(index, 1)` gives, from the first on. */
function areInOrder(list: readonly unknown[]): number {
  const wrong = list.findIndex((value, index) => value !== index + 1);
  return wrong === -1 ? list.length : wrong;
}
