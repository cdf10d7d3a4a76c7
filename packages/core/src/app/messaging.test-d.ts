import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import { type BroadcastReply, defineTopic, Lovage, type TopicMessage } from '../index.ts';

const app = new Lovage('types');
const clear = app.task('clear', (what: string, deep?: boolean) => what.length + Number(deep));

const sent = app.broadcast(clear, ['all'], { queue: 'fanout' });
expectTypeOf((await sent).replies()).resolves.toEqualTypeOf<Readonly<Record<string, BroadcastReply<number>>>>();
void app.broadcast('elsewhere', [1, 'two'], { queue: 'fanout' });
// @ts-expect-error the wrong argument
void app.broadcast(clear, [5], { queue: 'fanout' });
// @ts-expect-error no queue
void app.broadcast(clear, ['all'], {});
// @ts-expect-error one id for many
void app.broadcast(clear, ['all'], { queue: 'fanout', taskId: 'mine' });

interface Order {
  readonly id: string;
}
const created = defineTopic<Order>('order.created');
const checked = defineTopic('order.paid', { payload: z.object({ id: z.string(), cents: z.number() }) });
void app.publish(created, { id: 'o1' });
void app.publish('order.created', 5);
void app.publish(checked, { id: 'o1', cents: 5 });
// @ts-expect-error the wrong payload
void app.publish(created, { id: 1 });
// @ts-expect-error half a payload
void app.publish(checked, { id: 'o1' });

void app.subscribe(created, (order, message) => {
  expectTypeOf(order).toEqualTypeOf<Order>();
  expectTypeOf(message).toEqualTypeOf<TopicMessage>();
});
void app.subscribe(checked, (payment) => expectTypeOf(payment).toEqualTypeOf<{ id: string; cents: number }>());
void app.subscribe('order.*', (payload) => expectTypeOf(payload).toBeUnknown());
void app.subscribe<Order>('order.*', (order) => order.id);

const bill = app.task('bill', (order: Order, message: TopicMessage) => [order.id, message.topic]);
const short = app.task('short', (order: Order) => order.id);
const wrong = app.task('wrong', (order: number) => order);
app.subscription('billing', created, bill);
app.subscription('short', created, short, { queue: 'short' });
// @ts-expect-error the task takes something else
app.subscription('wrong', created, wrong);
