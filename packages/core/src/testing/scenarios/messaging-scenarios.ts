import { expect } from 'vitest';
import { z } from 'zod';
import { defineTopic, type TopicMessage } from '../../messaging/topic.ts';
import { deferred, until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';
const conf = { broadcastQueues: ['fanout'] };

/** One message for many: broadcasts, topics, durable subscriptions. */
export const messagingScenarios: readonly Scenario[] = [
  {
    name: 'a broadcast is run once by every worker that consumes its queue, and says who and what',
    async run(bench) {
      const runs: string[] = [];
      const names = ['one', 'two', 'three', 'other'];
      for (const name of names) {
        const app = bench.app({ conf });
        app.task({ name: 'clear', bind: true }, (self, what: string) => {
          runs.push(`${self.worker} ${what}`);
          if (self.worker === 'two') throw new Error('no cache');
          return self.worker;
        });
        await bench.worker(app, { name, queues: name === 'other' ? ['default'] : ['default', 'fanout'] });
      }
      const caller = bench.app({ conf });
      const clear = caller.remote<(what: string) => string>('clear', { maxRetries: 0 });
      const sent = await caller.broadcast(clear, ['prices'], { queue: 'fanout' });
      expect([...sent.workers].sort()).toEqual(['one', 'three', 'two']);
      expect(await sent.replies({ timeout })).toMatchObject({
        one: { value: 'one' },
        two: { error: { name: 'TaskFailedError', message: 'no cache' } },
        three: { value: 'three' },
      });
      expect(runs.sort()).toEqual(['one prices', 'three prices', 'two prices']);
    },
  },
  {
    name: 'a worker that starts later is not told of earlier broadcasts, and one that ends is told of no later ones',
    async run(bench) {
      const runs: string[] = [];
      const open = () => {
        const app = bench.app({ conf });
        const note = app.task({ name: 'note', bind: true }, (self, what: string) => {
          runs.push(`${self.worker} ${what}`);
        });
        return { app, note };
      };
      const { app, note } = open();
      expect((await app.broadcast(note, ['nobody'], { queue: 'fanout' })).workers).toEqual([]);
      const first = await bench.worker(app, { name: 'first', queues: ['fanout'] });
      await bench.worker(open().app, { name: 'second', queues: ['fanout'] });
      const both = await app.broadcast(note, ['both'], { queue: 'fanout' });
      await both.replies({ timeout });
      await first.close();
      const left = await app.broadcast(note, ['left'], { queue: 'fanout' });
      expect(left.workers).toEqual(['second']);
      await left.replies({ timeout });
      expect(runs.sort()).toEqual(['first both', 'second both', 'second left']);
    },
  },
  {
    name: 'what was sent to a worker that ends before it ran it is revoked, and its queue is gone',
    async run(bench) {
      const app = bench.app({ conf });
      const gate = deferred();
      const begun = deferred();
      const hold = app.task('hold', async () => {
        begun.resolve();
        await gate.promise;
      });
      const worker = await bench.worker(app, { name: 'leaver', queues: ['fanout'], concurrency: 1, drain: '10s' });
      const running = await app.broadcast(hold, [], { queue: 'fanout' });
      await begun.promise;
      const waiting = await app.broadcast(hold, [], { queue: 'fanout' });
      const closing = worker.close();
      gate.resolve();
      await closing;
      expect(await running.replies({ timeout })).toEqual({ leaver: { value: undefined } });
      const { leaver } = await waiting.replies({ timeout });
      expect(leaver).toMatchObject({ error: { name: 'TaskRevokedError', reason: 'worker ended' } });
    },
  },
  {
    name: 'queues of broadcasts are added and cancelled at run time, and take no ordinary call',
    async run(bench) {
      const app = bench.app({ conf });
      const note = app.task('note', () => 'noted');
      const worker = await bench.worker(app, { name: 'w', queues: ['default'] });
      expect((await app.broadcast(note, [], { queue: 'fanout' })).workers).toEqual([]);
      await worker.addQueue('fanout');
      const sent = await app.broadcast(note, [], { queue: 'fanout' });
      expect(await sent.replies({ timeout })).toEqual({ w: { value: 'noted' } });
      await worker.removeQueue('fanout');
      expect((await app.broadcast(note, [], { queue: 'fanout' })).workers).toEqual([]);
      const wrong = [
        [note.applyAsync([], { queue: 'fanout' }), '"fanout" is a broadcast queue: send to it with app.broadcast'],
        [app.broadcast(note, [], { queue: 'fanuot' }), '"fanuot" is no broadcast queue: did you mean "fanout"?'],
        [app.broadcast(note, [Number.NaN] as never, { queue: 'fanout' }), 'args[0] is NaN'],
      ] as const;
      for (const [work, message] of wrong) {
        expect(await settled(work)).toMatchObject({ message: expect.stringContaining(message) });
      }
    },
  },
  {
    name: 'what is published is heard by those who listen to the topic, in order, and a slow handler holds up only itself',
    async run(bench) {
      const app = bench.app();
      const there = bench.app();
      const heard: Record<string, unknown[]> = { exact: [], one: [], middle: [], all: [], slow: [] };
      const gate = deferred();
      const into =
        (name: string) =>
        (payload: unknown, { topic }: TopicMessage) =>
          heard[name]?.push([topic, payload]);
      await there.subscribe('order.created', into('exact'));
      await there.subscribe('order.*', into('one'));
      await there.subscribe('*.eu.created', into('middle'));
      await there.subscribe('order.*', async () => {
        heard['slow']?.push(1);
        await gate.promise;
      });
      await there.subscribe('order.*', () => {
        throw new Error('a bad handler');
      });
      const last = await there.subscribe('*', into('all'));
      for (const topic of ['order.created', 'order.eu.created', 'order.us.created', 'invoice.eu.created', 'order']) {
        await app.publish(topic, { topic });
      }
      await until(() => heard['all']?.length === 5);
      const named = (...topics: string[]) => topics.map((topic) => [topic, { topic }]);
      expect(heard).toEqual({
        exact: named('order.created'),
        one: named('order.created', 'order.eu.created', 'order.us.created'),
        middle: named('order.eu.created', 'invoice.eu.created'),
        all: named('order.created', 'order.eu.created', 'order.us.created', 'invoice.eu.created', 'order'),
        slow: [1],
      });
      gate.resolve();
      await until(() => heard['slow']?.length === 3);
      await last.close();
      await app.publish('order.closed', 'unheard');
      await until(() => heard['one']?.length === 4);
      expect(heard['all']).toHaveLength(5);
    },
  },
  {
    name: 'a durable subscription gets every message as a task, whether anybody works or not, and each once',
    async run(bench) {
      const shop = bench.app({}, 'shop');
      const billing = () => {
        const app = bench.app({}, 'billing');
        const bills: unknown[] = [];
        const bill = app.task({ name: 'bill', queue: 'bills' }, (order: { id: number }, message: TopicMessage) => {
          bills.push([order.id, message.topic]);
        });
        app.subscription('billing', 'order.*', bill);
        return { app, bills };
      };
      expect((await shop.publish('order.created', { id: 0 })).groups).toEqual([]);
      const before = billing();
      await (await bench.worker(before.app, { queues: ['bills'] })).close(); // declared, and away
      expect(await shop.topics.groups()).toEqual([
        { name: 'billing', app: 'billing', pattern: 'order.*', task: 'bill', queue: 'bills' },
      ]);
      expect((await shop.publish('order.created', { id: 1 }, { id: 'one' })).groups).toEqual(['billing']);
      await shop.publish('order.created', { id: 1 }, { id: 'one' });
      await shop.publish('order.paid', { id: 2 });
      await shop.publish('invoice.paid', { id: 3 });
      const after = billing();
      await bench.worker(after.app, { queues: ['bills'] });
      await until(() => after.bills.length === 2);
      await shop.publish('order.created', { id: 1 }, { id: 'one' });
      await shop.publish('order.sent', { id: 4 });
      await until(() => after.bills.length === 3);
      expect(after.bills).toEqual([
        [1, 'order.created'],
        [2, 'order.paid'],
        [4, 'order.sent'],
      ]);
      expect(await shop.topics.remove('billing')).toBe(true);
      expect((await shop.publish('order.created', { id: 5 })).groups).toEqual([]);
    },
  },
  {
    name: 'every group of a topic gets its own task; a group belongs to one app',
    async run(bench) {
      const app = bench.app({}, 'both');
      const runs: string[] = [];
      for (const group of ['mail', 'stock']) {
        const task = app.task(`${group}.note`, (id: string) => void runs.push(`${group} ${id}`));
        app.subscription(group, 'order.created', task, { queue: group });
      }
      await bench.worker(app, { queues: ['mail', 'stock'] });
      await app.publish('order.created', 'o1');
      await until(() => runs.length === 2);
      expect(runs.sort()).toEqual(['mail o1', 'stock o1']);
      const other = bench.app({}, 'thief');
      other.subscription(
        'mail',
        'order.created',
        other.task('steal', () => {}),
      );
      expect(await settled(bench.worker(other))).toMatchObject({
        message: expect.stringContaining('subscription "mail" belongs to app "both"'),
      });
    },
  },
  {
    name: 'a typed topic checks what is published, and its subscribers see what the schema makes of it',
    async run(bench) {
      const app = bench.app();
      const when = z.codec(z.iso.datetime(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      });
      const created = defineTopic('order.created', { payload: z.object({ id: z.string(), when }) });
      const heard: unknown[] = [];
      await app.subscribe(created, (order) => heard.push(order));
      const date = new Date('2027-01-01T00:00:00Z');
      await app.publish(created, { id: 'o1', when: date });
      await until(() => heard.length === 1);
      expect(heard).toEqual([{ id: 'o1', when: date }]);
      expect(await settled(app.publish(created, { id: 5 } as never))).toMatchObject({
        name: 'TopicValidationError',
        message: expect.stringContaining('payload of topic "order.created" does not fit its schema: id:'),
      });
    },
  },
  {
    name: 'a bad topic, pattern or payload is refused before anything is sent',
    async run(bench) {
      const app = bench.app({ maxPayload: 1_000 });
      const note = app.task('note', () => {});
      const listen = () => {};
      const wrong: readonly (readonly [() => Promise<unknown>, string])[] = [
        [() => app.publish('order.*', 1), '"order.*" is a pattern'],
        [() => app.publish('', 1), 'expected a topic such as "order.created"'],
        [() => app.publish('a..b', 1), '"a..b" has an empty part'],
        [() => app.publish('a b', 1), '"a b" cannot be a part'],
        [() => app.publish('big', 'x'.repeat(1_001)), 'payload of topic "big" take 1003 bytes'],
        [() => app.publish('nan', Number.NaN), 'payload is NaN'],
        [() => app.publish('a', 1, { id: 'no spaces' }), 'option id: "no spaces"'],
        [() => app.subscribe('ord*', listen), '"*" stands for a whole part, as in "order.*"'],
        [() => app.subscribe('a.b', undefined as never), 'the second parameter is a function'],
        [async () => app.subscription('g', 'a.**', note), '"**" mixes it with text'],
        [async () => app.subscription('no group', 'a', note), "a group's name is of letters"],
        [async () => app.subscription('g', 'a', undefined as never), 'the third parameter is the task'],
      ];
      for (const [work, message] of wrong) {
        expect(await settled((async () => work())())).toMatchObject({ message: expect.stringContaining(message) });
      }
    },
  },
];
