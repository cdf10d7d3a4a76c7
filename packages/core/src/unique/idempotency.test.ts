import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { silentLogger } from '../logger.ts';

let app: Lovage;
let ran: unknown[];
beforeEach(() => {
  app = new Lovage('keys', { broker: 'memory://', logger: silentLogger });
  ran = [];
});
afterEach(() => app.close());

describe('an idempotency key', () => {
  it('gives the same id for the same task and key, whatever the other arguments are', async () => {
    const charge = app.task(
      { name: 'charge', idempotencyKey: ([order]) => order.id },
      (order: { id: string; try: number }) => void ran.push(order),
    );
    const refund = app.task({ name: 'refund', idempotencyKey: ([id]) => id }, (id: string) => id);
    const [a, b, c] = await charge.delayMany([[{ id: 'o1', try: 1 }], [{ id: 'o1', try: 2 }], [{ id: 'o2', try: 1 }]]);
    expect(a?.id).toMatch(/^key~[\w-]{43}$/);
    expect(b?.id).toBe(a?.id);
    expect(c?.id).not.toBe(a?.id);
    expect((await refund.delay('o1')).id).not.toBe(a?.id);
  });

  it("of a call wins over the task's; a task id wins over both", async () => {
    const task = app.task({ name: 't', idempotencyKey: () => 'always' }, (n: number) => n);
    const own = await task.delay(1);
    const call = await task.applyAsync([1], { idempotencyKey: 'once' });
    expect(call.id).not.toBe(own.id);
    expect((await task.applyAsync([1], { taskId: 'mine' })).id).toBe('mine');
    await expect(task.applyAsync([1], { taskId: 'mine', idempotencyKey: 'x' })).rejects.toThrow(
      'call of "t": give taskId or idempotencyKey, not both',
    );
    await expect(task.applyAsync([1], { idempotencyKey: '' })).rejects.toThrow('expected a non-empty string');
  });

  it('that is undefined is none', async () => {
    const task = app.task({ name: 't', idempotencyKey: ([key]) => key }, (_key?: string) => 1);
    expect((await task.delay()).id).not.toBe((await task.delay()).id);
  });

  it.each([
    [
      () => {
        throw new Error('no order');
      },
      'task "t": option idempotencyKey threw: no order',
    ],
    [() => 5 as never, 'task "t": option idempotencyKey gave 5: expected a non-empty, well-formed text, or undefined'],
  ])('whose function is wrong fails the call, before anything is sent %#', async (idempotencyKey, message) => {
    const task = app.task({ name: 't', idempotencyKey }, () => 1);
    await expect(task.delay()).rejects.toMatchObject({ name: 'ConfigurationError', message });
  });

  it('is a function', () => {
    expect(() => app.task({ name: 't', idempotencyKey: 'x' as never }, () => 1)).toThrow(
      'expected a function of the arguments',
    );
  });
});
