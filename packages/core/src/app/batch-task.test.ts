import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.ts';
import type { BatchItem } from '../task/batch.ts';
import { Lovage } from './app.ts';

let app: Lovage;
beforeEach(() => {
  app = new Lovage('batches', { broker: 'memory://', logger: silentLogger });
});
afterEach(() => app.close());

describe('a batch task', () => {
  it.each([
    [{ name: 't', size: 0 }, 'task "t": option size: expected a whole number from 1 to 10000, received 0'],
    [{ name: 't' }, 'task "t": option size: expected a whole number from 1 to 10000, received undefined'],
    [{ name: 't', size: 1.5 }, 'option size: expected a whole number'],
    [{ name: 't', size: 10, wait: -1 }, 'task "t": option wait: -1 is not a duration'],
    [{ name: 't', size: 10, bind: true }, 'task "t": a batch task has no option bind'],
    [{ name: 't', size: 10, pool: 'threads' }, 'task "t": a batch task has no option pool'],
    [{ name: 't', size: 10, quue: 'x' }, 'unknown option "quue": did you mean "queue"?'],
    [{ size: 10 }, 'the option name is missing'],
    ['t', 'the first parameter is an object'],
  ])('that cannot be is refused at its definition: %j', (options, message) => {
    expect(() => app.batchTask(options as never, () => {})).toThrow(message);
  });

  it('needs a handler', () => {
    expect(() => app.batchTask({ name: 't', size: 1 }, undefined as never)).toThrow(
      'the handler is a function of the items',
    );
  });

  it('called in process is a batch of one', async () => {
    const half = app.batchTask({ name: 'half', size: 10 }, (items: readonly BatchItem<[n: number]>[]) =>
      items.map(({ args: [n] }) => (n % 2 === 0 ? n / 2 : new RangeError(`${n} is odd`))),
    );
    expect(await half(4)).toBe(2);
    await expect(half(3)).rejects.toThrow('3 is odd');
  });
});
