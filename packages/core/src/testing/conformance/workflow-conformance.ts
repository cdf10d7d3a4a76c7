import { expect } from 'vitest';
import type { NewInboxItem, TakenRun, TakeRequest, WorkflowStore } from '../../driver/workflow-store.ts';
import { newTaskId } from '../../message/task-id.ts';
import { until } from '../until.ts';
import type { ConformanceOptions, Harness } from './harness.ts';
import { type ConformanceCase, declareSuite } from './suite.ts';

/**
 * The exam of a {@link WorkflowStore}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection has workflows.
 */
export function workflowConformance(driver: string, options: ConformanceOptions): void {
  declareSuite<WorkflowBench>(
    { seam: 'workflow store', createBench: (harness) => new WorkflowBench(harness), cases },
    driver,
    options,
  );
}

class WorkflowBench {
  readonly store: WorkflowStore;
  readonly harness: Harness;
  readonly id: string = newTaskId();

  constructor(harness: Harness) {
    const { workflows } = harness.connection;
    if (workflows === undefined) throw new Error('this connection has no workflows');
    this.store = workflows;
    this.harness = harness;
  }

  take(given: Partial<TakeRequest> = {}): Promise<TakenRun> {
    const run = { name: 'order', queue: 'default', call: '[[1]]', host: 'one', now: 1_000, lost: false };
    return this.store.take({ id: this.id, ...run, ...given });
  }

  item(name: string, given: Partial<NewInboxItem> = {}): NewInboxItem {
    return { kind: 'event', name, key: newTaskId(), body: '1', ...given };
  }
}

const cases: readonly ConformanceCase<WorkflowBench>[] = [
  {
    name: 'a new run is made by taking it',
    async run(bench) {
      expect(await bench.store.read(bench.id)).toBeUndefined();
      const { header, log, inbox, lost } = await bench.take({ version: '2' });
      expect(header).toMatchObject({
        id: bench.id,
        name: 'order',
        version: '2',
        queue: 'default',
        call: '[[1]]',
        state: 'RUNNING',
      });
      expect(header).toMatchObject({ createdAt: 1_000, host: 'one' });
      expect(header.fence).toBeGreaterThan(0);
      expect([log.size, inbox.length, lost]).toEqual([0, 0, 0]);
    },
  },
  {
    name: 'each taking raises the fence and reads the log',
    async run(bench) {
      const first = await bench.take();
      const entries = [
        ['a', '1'],
        ['b "\n', 'zwei'],
      ] as const;
      expect(await bench.store.append(bench.id, { fence: first.header.fence, entries })).toBe('done');
      const second = await bench.take({ host: 'two', now: 2_000 });
      expect(second.header.fence).toBeGreaterThan(first.header.fence);
      expect(second.header).toMatchObject({ createdAt: 1_000, updatedAt: 2_000, host: 'two' });
      expect([...second.log].sort()).toEqual(entries);
    },
  },
  {
    name: 'a write with an older fence changes nothing',
    async run(bench) {
      const stale = await bench.take();
      const other = (await bench.harness.another()).workflows as WorkflowStore;
      const { header } = await other.take({
        id: bench.id,
        name: 'order',
        queue: 'default',
        call: '{}',
        host: 'two',
        now: 1_500,
        lost: true,
      });
      const write = { fence: stale.header.fence, entries: [['a', 'stale']], header: { state: 'SUCCESS' } } as const;
      expect(await bench.store.append(bench.id, write)).toBe('fenced');
      expect(await bench.store.park(bench.id, write, '')).toBe('fenced');
      expect(await other.append(bench.id, { fence: header.fence, entries: [['a', 'fresh']] })).toBe('done');
      const run = await other.read(bench.id);
      expect([...(run?.log ?? [])]).toEqual([['a', 'fresh']]);
      expect(run?.header.state).toBe('RUNNING');
    },
  },
  {
    name: 'an entry keeps its first text, a mark its last; both can go',
    async run(bench) {
      const { fence } = (await bench.take()).header;
      await bench.store.append(bench.id, { fence, entries: [['a', '1']], marks: [['>a', 'x']] });
      await bench.store.append(bench.id, {
        fence,
        entries: [
          ['a', '2'],
          ['b', '3'],
        ],
        marks: [['>a', 'y']],
      });
      expect(Object.fromEntries((await bench.store.read(bench.id))?.log ?? [])).toEqual({ a: '1', b: '3', '>a': 'y' });
      await bench.store.append(bench.id, { fence, drop: ['>a', 'b'] });
      expect(Object.fromEntries((await bench.store.read(bench.id))?.log ?? [])).toEqual({ a: '1' });
      await bench.store.append(bench.id, { fence, clear: true, entries: [['c', '4']] });
      expect(Object.fromEntries((await bench.store.read(bench.id))?.log ?? [])).toEqual({ c: '4' });
    },
  },
  {
    name: 'writes of many runs at once each have their answer',
    async run(bench) {
      const ids = Array.from({ length: 250 }, () => newTaskId());
      const runs = await Promise.all(ids.map((id) => bench.take({ id })));
      const replies = await Promise.all(
        runs.map(({ header }, index) =>
          bench.store.append(header.id, { fence: header.fence - (index % 2), entries: [['a', String(index)]] }),
        ),
      );
      expect(replies).toEqual(ids.map((_, index) => (index % 2 ? 'fenced' : 'done')));
      const logs = await Promise.all(ids.map((id) => bench.store.read(id)));
      expect(logs.map((run) => run?.log.get('a'))).toEqual(
        ids.map((_, index) => (index % 2 ? undefined : String(index))),
      );
    },
  },
  {
    name: 'an item is delivered once, to a run that is there and has not ended',
    async run(bench) {
      const item = bench.item('paid', { key: 'k', body: '{"ok":true}' });
      expect(await bench.store.deliver(bench.id, item)).toEqual({ status: 'unknown' });
      const { header } = await bench.take();
      expect(await bench.store.deliver(bench.id, item)).toMatchObject({
        status: 'delivered',
        header: { state: 'RUNNING', host: 'one', queue: 'default' },
      });
      expect((await bench.store.deliver(bench.id, item)).status).toBe('duplicate');
      const [first, ...more] = await bench.store.inbox(bench.id, '');
      expect([first, more]).toMatchObject([{ kind: 'event', name: 'paid', body: '{"ok":true}' }, []]);
      expect(await bench.store.inbox(bench.id, first?.at ?? '')).toEqual([]);
      await bench.store.append(bench.id, { fence: header.fence, consumed: [first?.at ?? ''] });
      expect((await bench.store.deliver(bench.id, item)).status).toBe('duplicate');
      await bench.store.append(bench.id, { fence: header.fence, header: { state: 'SUCCESS' }, ttl: 60_000 });
      expect(await bench.store.deliver(bench.id, bench.item('late'))).toMatchObject({
        status: 'ended',
        header: { state: 'SUCCESS' },
      });
    },
  },
  {
    name: 'an item may make the run that it is for, and taking it keeps the item',
    async run(bench) {
      const create = { name: 'order', version: '1', queue: 'q', call: '[[2]]', now: 500 };
      expect((await bench.store.deliver(bench.id, bench.item('early'), create)).status).toBe('delivered');
      expect((await bench.store.read(bench.id))?.header).toMatchObject({
        state: 'SENT',
        version: '1',
        queue: 'q',
        createdAt: 500,
      });
      const { inbox, header } = await bench.take({ version: '2' });
      expect(inbox.map(({ name }) => name)).toEqual(['early']);
      expect(header).toMatchObject({ state: 'RUNNING', version: '1' });
    },
  },
  {
    name: 'a run does not park over an item that it has not seen',
    async run(bench) {
      const { header } = await bench.take();
      const park = {
        fence: header.fence,
        header: { state: 'PARKED', updatedAt: 1_200, wakeAt: 9_000, note: 'event go' },
      } as const;
      await bench.store.deliver(bench.id, bench.item('a'));
      expect(await bench.store.park(bench.id, park, '')).toBe('pending');
      const [item] = await bench.store.inbox(bench.id, '');
      expect(await bench.store.park(bench.id, park, item?.at ?? '')).toBe('done');
      const read = await bench.store.read(bench.id);
      expect(read?.header).toMatchObject({ state: 'PARKED', wakeAt: 9_000, note: 'event go', updatedAt: 1_200 });
      expect(read?.inbox).toHaveLength(1);
      const again = await bench.take();
      expect(again.header.state).toBe('RUNNING');
      expect(again.header.wakeAt).toBeUndefined();
      expect(again.header.note).toBeUndefined();
    },
  },
  {
    name: 'deliveries that follow a lost worker are counted until something is written',
    async run(bench) {
      expect((await bench.take()).lost).toBe(0);
      expect((await bench.take({ lost: true })).lost).toBe(1);
      const { header, lost } = await bench.take({ lost: true });
      expect(lost).toBe(2);
      await bench.store.append(bench.id, { fence: header.fence, entries: [['a', '1']] });
      expect((await bench.take({ lost: true })).lost).toBe(1);
    },
  },
  {
    name: 'a run that has ended keeps its state and outcome, and takes no writes unless it is reopened',
    async run(bench) {
      const { fence } = (await bench.take()).header;
      const outcome = '{"state":"FAILURE"}';
      await bench.store.append(bench.id, {
        fence,
        header: { state: 'FAILURE', outcome, note: 'b', updatedAt: 3_000 },
        ttl: 60_000,
      });
      const taken = await bench.take();
      expect(taken.header).toMatchObject({ state: 'FAILURE', outcome, note: 'b' });
      const write = { fence: taken.header.fence, entries: [['a', '1']] } as const;
      expect(await bench.store.append(bench.id, write)).toBe('fenced');
      const reopened = {
        ...write,
        reopen: true,
        header: { state: 'SENT', outcome: undefined, updatedAt: 4_000 },
      } as const;
      expect(await bench.store.append(bench.id, reopened)).toBe('done');
      const { header, log } = await bench.take();
      expect([header.state, header.outcome, log.get('a')]).toEqual(['RUNNING', undefined, '1']);
    },
  },
  {
    name: 'runs are listed by name and state, the latest change first',
    async run(bench) {
      const [a, b, c] = [newTaskId(), newTaskId(), newTaskId()];
      await bench.take({ id: a, now: 1 });
      const { fence } = (await bench.take({ id: b, now: 2 })).header;
      await bench.take({ id: c, now: 3, name: 'other' });
      const ids = async (filter: Parameters<WorkflowStore['list']>[0]): Promise<string[]> =>
        (await bench.store.list(filter)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).toEqual([c, b, a]);
      expect(await ids({ limit: 2 })).toEqual([c, b]);
      expect(await ids({ limit: 10, name: 'order' })).toEqual([b, a]);
      await bench.store.append(b, { fence, header: { state: 'DIVERGED', updatedAt: 4 } });
      expect(await ids({ limit: 10, states: ['DIVERGED'] })).toEqual([b]);
      expect(await ids({ limit: 10, states: ['RUNNING'] })).toEqual([c, a]);
      await bench.store.append(b, { fence, header: { state: 'SUCCESS', updatedAt: 5 }, ttl: 60_000 });
      expect(await ids({ limit: 10, states: ['DIVERGED'] })).toEqual([]);
      expect(await ids({ limit: 10 })).toEqual([b, c, a]);
      expect(await bench.store.forget([b, newTaskId()])).toBe(1);
      expect(await ids({ limit: 10 })).toEqual([c, a]);
      expect(await bench.store.read(b)).toBeUndefined();
    },
  },
  {
    name: 'an ended run goes when its time is over',
    async run(bench) {
      const { fence } = (await bench.take()).header;
      await bench.store.append(bench.id, {
        fence,
        entries: [['a', '1']],
        header: { state: 'SUCCESS', updatedAt: 2 },
        ttl: 100,
      });
      await until(async () => (await bench.store.read(bench.id)) === undefined, { what: 'the run to expire' });
      expect(await bench.store.list({ limit: 10 })).toEqual([]);
    },
  },
  {
    name: 'ended runs beyond the retention are swept, the oldest first',
    retention: {
      results: 2,
      failures: 2,
      bytes: 2 ** 20,
      deadLetters: 1,
      deadLetterBytes: 2 ** 20,
      deadLetterExpires: 1_000,
      grace: 10,
    },
    async run(bench) {
      const ids = [newTaskId(), newTaskId(), newTaskId()];
      for (const [index, id] of ids.entries()) {
        const { fence } = (await bench.take({ id })).header;
        await bench.store.append(id, { fence, header: { state: 'SUCCESS', updatedAt: 10 + index }, ttl: 60_000 });
      }
      await bench.take();
      await bench.store.sweep();
      expect((await bench.store.list({ limit: 10 })).map(({ id }) => id).sort()).toEqual(
        [bench.id, ...ids.slice(1)].sort(),
      );
    },
  },
];
