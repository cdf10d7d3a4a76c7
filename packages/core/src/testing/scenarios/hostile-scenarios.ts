import { expect } from 'vitest';
import type { Lovage } from '../../app/app.ts';
import { runtimeOf } from '../../app/app-runtime.ts';
import { chain } from '../../canvas/chain.ts';
import { chord } from '../../canvas/chord.ts';
import { group } from '../../canvas/group.ts';
import { Inspector } from '../../inspect/inspector.ts';
import type { JsonValue } from '../../message/json.ts';
import { limits } from '../../options/limits.ts';
import { begin, canvasTasks } from './canvas/canvas-scenarios.ts';
import { type Scenario, type ScenarioBench, settled } from './scenario-bench.ts';

const timeout = '20s';

/** A list nested so deep, and at the end a number. */
function nested(depth: number): JsonValue {
  let value: JsonValue = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** A message as a producer of a newer version would write it. */
function newer(fields: { readonly id: string; readonly canvas?: object; readonly args?: unknown }): string {
  const message = { v: 99, task: 'identity', args: [], queue: 'default', priority: 0, retries: 0, sentAt: 1 };
  return JSON.stringify({ ...message, ...fields });
}

async function inject(bench: ScenarioBench, body: string): Promise<void> {
  await bench.store.injectRaw?.('default', body);
}

/** Takes the message of a delayed task out of its queue, and puts these bytes there under its id. */
async function replaceBytes(bench: ScenarioBench, app: Lovage, id: string, body: string): Promise<void> {
  const { monitor } = await runtimeOf(app).stores.open();
  expect(await monitor?.remove?.([id])).toEqual([true]);
  await inject(bench, body);
}

const malformed = { cause: { name: 'MalformedMessageError' } };

/** What no caller of good will sends: bytes that are no message, values at their limits, names that UTF-8 cannot keep. */
export const hostileScenarios: readonly Scenario[] = [
  {
    name: 'malformed: what depends on a message that cannot be read ends by name, wherever it stands in a canvas',
    needs: 'injectRaw',
    async run(bench) {
      const app = bench.app();
      const { identity, xsum } = canvasTasks(app);
      const later = identity.s(1).set({ countdown: '1h' });
      const chained = await chain(later, identity.s(), identity.s()).applyAsync([]);
      const grouped = await group([later, later]).applyAsync([]);
      const chorded = await chord([later, later], chain(xsum.s(), identity.s())).applyAsync([]);
      await bench.worker(app);
      await inject(bench, newer({ id: 'newer-1', canvas: { next: `${chained.id}~1` } }));
      await inject(bench, newer({ id: 'newer-2', canvas: { join: { group: grouped.id, index: 0, size: 2 } } }));
      await inject(bench, newer({ id: 'newer-3', canvas: { join: { group: `${chorded.id}~0`, index: 1, size: 2 } } }));
      for (const result of [chained, grouped, chorded, app.asyncResult(`${chained.id}~1`)]) {
        const error = await result.get({ timeout }).catch((caught: unknown) => caught);
        expect(error, result.id).toMatchObject({ remoteName: 'DependencyFailedError', ...malformed });
      }
    },
  },
  {
    name: 'malformed: a canvas whose message says nothing of its place is ended by its id',
    needs: 'injectRaw',
    async run(bench) {
      const app = bench.app();
      const { identity, xsum } = canvasTasks(app);
      const later = identity.s(1).set({ countdown: '1h' });
      const chained = await chain(later, identity.s()).applyAsync([]);
      const inner = await chain(later, chain(identity.s(), identity.s()).link(identity.si(1))).applyAsync([]);
      const chorded = await chord([later, later], xsum.s()).applyAsync([]);
      await replaceBytes(bench, app, `${chained.id}~0`, newer({ id: `${chained.id}~0` }));
      await replaceBytes(bench, app, `${inner.id}~0`, newer({ id: `${inner.id}~0`, canvas: ['no canvas'] }));
      await replaceBytes(bench, app, `${chorded.id}~0.1`, newer({ id: `${chorded.id}~0.1` }));
      await bench.worker(app);
      for (const result of [chained, inner, app.asyncResult(`${inner.id}~n0`), chorded]) {
        const error = await result.get({ timeout }).catch((caught: unknown) => caught);
        expect(error, result.id).toMatchObject({ remoteName: 'DependencyFailedError', ...malformed });
      }
    },
  },
  {
    name: 'purge: tasks have ended before their messages go, so that a purge that is killed leaves no waiter',
    async run(bench) {
      const app = bench.app();
      const { identity } = canvasTasks(app);
      const plain = await identity.delay(1);
      const chained = await chain(identity.s(1), identity.s()).applyAsync([]);
      const { monitor } = await runtimeOf(app).stores.open();
      if (monitor === undefined) throw new Error('the store has no monitor');
      monitor.remove = () => Promise.reject(new Error('killed'));
      monitor.purge = () => Promise.reject(new Error('killed'));
      await expect(new Inspector(app).purge('default')).rejects.toThrow('killed');
      const other = bench.app();
      canvasTasks(other);
      await bench.worker(other); // the messages are still there: they end as their tasks have
      for (const { id } of [plain, chained]) {
        expect(await settled(other.asyncResult(id).get({ timeout })), id).toMatchObject({ name: 'TaskRevokedError' });
      }
    },
  },
  {
    name: 'limits: what a call accepts a worker reads, at the deepest nesting',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { identity } = tasks;
      const headers = app.task({ name: 'headers', bind: true }, (self, _value?: unknown) => [
        self.headers['deep'] ?? null,
        self.stamps['deep'] ?? null,
      ]);
      const deepest = nested(limits.valueDepth + 1);
      const argument = nested(limits.valueDepth); // beside the list of arguments
      const fields = nested(limits.valueDepth); // beside the object of fields
      expect(await identity.call([argument], { timeout })).toEqual(argument);
      const options = { headers: { deep: fields }, stamps: { deep: fields } };
      expect(await settled(headers.applyAsync([], options).then((sent) => sent.get({ timeout })))).toEqual([
        fields,
        fields,
      ]);
      const makes = app.task('makes', () => deepest);
      expect(await chain(makes.s(), identity.s(), identity.s()).call([], { timeout })).toEqual(deepest);
      const list = await chord([makes.s(), makes.s()], app.task('length', (all: unknown[]) => all.length).s() as never);
      expect(await list.call([], { timeout })).toBe(2);
      for (const call of [
        identity.delay(deepest),
        identity.applyAsync([1], { headers: { deep: deepest } }),
        chain(identity.s(deepest), identity.s()).applyAsync([]),
      ]) {
        expect(await settled(call)).toMatchObject({ name: 'PayloadNotSerializableError' });
      }
    },
  },
  {
    name: 'limits: a task name that no worker would read is refused where it is written',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const longest = 'n'.repeat(limits.taskName);
      app.task(longest, () => 'it ran');
      expect(await chain(tasks.add.s(1, 1), app.remote(longest).si()).call([], { timeout })).toBe('it ran');
      const tooLong = `${longest}n`;
      expect(() => app.remote(tooLong)).toThrow('at most 500 characters');
      expect(await settled((async () => app.sendTask(tooLong, []))())).toMatchObject({ name: 'ConfigurationError' });
      const revived = app.signature({
        chain: [
          { task: 'add', args: [1, 1] },
          { task: tooLong, args: [] },
        ],
      } as never);
      expect(await settled(revived.delay())).toMatchObject({ name: 'ConfigurationError' });
    },
  },
  {
    name: 'names: what UTF-8 cannot keep apart is refused, and an argument with it arrives as it is',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const bad = 'a\ud800';
      for (const value of [bad, { [bad]: bad }, '\udc00\ud83d']) {
        expect(await tasks.identity.call([value], { timeout })).toEqual(value);
        expect(await chain(tasks.identity.s(value), tasks.identity.s()).call([], { timeout })).toEqual(value);
      }
      const add = tasks.add;
      const refused: readonly (() => unknown)[] = [
        () => app.task(bad, () => {}),
        () => app.remote(bad),
        () => app.sendTask(bad, []),
        () => app.lock(bad),
        () => app.elect(bad, { onLeader: () => {} } as never),
        () => add.applyAsync([1, 2], { queue: bad }),
        () => add.applyAsync([1, 2], { idempotencyKey: bad }),
        () => add.applyAsync([1, 2], { unique: { key: bad } }),
        () => app.asyncResult(bad),
        () => new Inspector(app).purge(bad),
        () => new Inspector(app).pauseQueue(bad),
        () => bench.worker(app, { queues: [bad] }),
        () => bench.worker(app, { name: bad }),
        () => bench.app({ prefix: bad }),
        () => app.task({ name: 'keyed', orderingKey: () => bad }, () => {}).delay(),
      ];
      for (const [index, call] of refused.entries()) {
        const error = await settled((async () => call())());
        expect(error, `case ${index}`).toMatchObject({ name: expect.stringMatching(/ConfigurationError|TypeError/) });
      }
    },
  },
];
