import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import type { Signature } from '../canvas/signature.ts';
import type { AsyncResult } from '../results/async-result.ts';
import type { BatchItem } from '../task/batch.ts';
import type { TaskContext } from '../task/task-context.ts';
import { Lovage } from './app.ts';
import type { Task } from './task-handle.ts';

const app = new Lovage('types');

// from the function alone
const add = app.task('add', (x: number, y: number) => x + y);
expectTypeOf(add.delay).parameters.toEqualTypeOf<[x: number, y: number]>();
expectTypeOf(add.delay(1, 2)).resolves.toEqualTypeOf<AsyncResult<number>>();
expectTypeOf(add(1, 2)).toEqualTypeOf<number>();
expectTypeOf(add.call([1, 2])).resolves.toEqualTypeOf<number>();
// @ts-expect-error one argument is missing
add.delay(1);
// @ts-expect-error a string is no number
add.delay(1, '2');
// @ts-expect-error the argument list of applyAsync is checked too
add.applyAsync([1]);
// @ts-expect-error unknown call option
add.applyAsync([1, 2], { quue: 'a' });
expectTypeOf(add.delayMany([[1, 2]])).resolves.toEqualTypeOf<readonly AsyncResult<number>[]>();

// async handlers and optional parameters
const greet = app.task(
  { name: 'greet', queue: 'a' },
  async (name: string, excited?: boolean) => `hi ${name}${excited ? '!' : ''}`,
);
expectTypeOf(greet.call(['a'])).resolves.toEqualTypeOf<string>();
greet.delay('a');
greet.delay('a', true);
// @ts-expect-error too many
greet.delay('a', true, 1);

// bind
const bound = app.task({ name: 'bound', bind: true }, (self, n: number) => {
  expectTypeOf(self).toEqualTypeOf<TaskContext>();
  return n > 1 ? self.id : n;
});
expectTypeOf(bound.delay).parameters.toEqualTypeOf<[n: number]>();
expectTypeOf(bound.call([1])).resolves.toEqualTypeOf<string | number>();

// schemas, without annotations in the handler
const charge = app.task(
  {
    name: 'charge',
    args: z.tuple([z.object({ orderId: z.string(), amount: z.number() })]),
    returns: z.object({ receipt: z.string() }),
    bind: true,
  },
  async (self, { orderId, amount }) => {
    expectTypeOf(self.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(orderId).toEqualTypeOf<string>();
    expectTypeOf(amount).toEqualTypeOf<number>();
    return { receipt: 'r' };
  },
);
expectTypeOf(charge.call([{ orderId: 'a', amount: 1 }])).resolves.toEqualTypeOf<{ receipt: string }>();
// @ts-expect-error amount is a number
charge.delay({ orderId: 'a', amount: '1' });
// @ts-expect-error the handler returns no receipt
app.task({ name: 'wrong', args: z.tuple([z.string()]), returns: z.object({ receipt: z.string() }) }, async (_text) => ({
  bill: 1,
}));

const unbound = app.task({ name: 'unbound', args: z.tuple([z.string(), z.number().default(1)]) }, (text, times) => {
  expectTypeOf(text).toEqualTypeOf<string>();
  expectTypeOf(times).toEqualTypeOf<number>();
  return text.length * times;
});
expectTypeOf(unbound.call(['a'])).resolves.toEqualTypeOf<number>();
unbound.delay('a', 2);

// codecs: the caller may pass what the handler sees
const isoDate = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});
const remind = app.task({ name: 'remind', args: z.tuple([isoDate]), returns: isoDate }, (when) => {
  expectTypeOf(when).toEqualTypeOf<Date>();
  return when;
});
remind.delay(new Date());
remind.delay('2027-01-01T00:00:00Z');
expectTypeOf(remind.call([new Date()])).resolves.toEqualTypeOf<Date>();
// @ts-expect-error a number is neither
remind.delay(5);

// decorated methods type through tasksOf
class Mailer {
  @app.task({ name: 'mail.send', maxRetries: 3 })
  async send(to: string, subject: string): Promise<{ id: string }> {
    return { id: to + subject };
  }
  @app.task({ name: 'mail.later', bind: true })
  later(self: TaskContext, to: string): string {
    return self.id + to;
  }
  readonly from = 'me';
}
const mail = app.tasksOf(new Mailer());
expectTypeOf(mail.send.delay).parameters.toEqualTypeOf<[to: string, subject: string]>();
expectTypeOf(mail.send.call(['a', 'b'])).resolves.toEqualTypeOf<{ id: string }>();
expectTypeOf(mail.later.delay).parameters.toEqualTypeOf<[to: string]>();
expectTypeOf(mail.later.call(['a'])).resolves.toEqualTypeOf<string>();
// @ts-expect-error subject is missing
mail.send.delay('a');
// @ts-expect-error a field is no task
mail.from;

// stubs
const stub = app.remote<(n: number) => Promise<string>>('elsewhere');
expectTypeOf(stub).toEqualTypeOf<Task<[n: number], string>>();
const schemaStub = app.remote('elsewhere.too', { args: z.tuple([z.number()]), returns: z.string() });
expectTypeOf(schemaStub.call([1])).resolves.toEqualTypeOf<string>();
expectTypeOf(app.sendTask('untyped', [1])).resolves.toEqualTypeOf<AsyncResult>();

// signatures: the arguments given are the last ones
expectTypeOf(add.s(2)).toEqualTypeOf<Signature<[x: number], number>>();
expectTypeOf(add.s(1, 2)).toEqualTypeOf<Signature<[], number>>();
expectTypeOf(add.s()).toEqualTypeOf<Signature<[x: number, y: number], number>>();
expectTypeOf(add.si(1, 2)).toEqualTypeOf<Signature<[], number>>();
// @ts-expect-error a string is no number
add.s('a');
// @ts-expect-error one argument is still open
add.s(2).delay();

// batch tasks: from the items, or from schemas
const rows = app.batchTask({ name: 'rows', size: 10 }, (items: readonly BatchItem<[row: string]>[]) =>
  items.map((item) => (item.args[0] === '' ? new Error('empty') : item.args[0].length)),
);
expectTypeOf(rows).toEqualTypeOf<Task<[row: string], number>>();
const pairs = app.batchTask({ name: 'pairs', size: 10, args: z.tuple([z.number(), z.string()]) }, (items) => {
  expectTypeOf(items[0]?.args).toEqualTypeOf<[number, string] | undefined>();
});
expectTypeOf(pairs.delay).parameters.toEqualTypeOf<[number, string]>();
// @ts-expect-error size is missing
app.batchTask({ name: 'none' }, () => {});
