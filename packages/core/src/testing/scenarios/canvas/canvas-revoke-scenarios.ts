import { expect } from 'vitest';
import type { Lovage } from '../../../app/app.ts';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { group } from '../../../canvas/group.ts';
import { Inspector } from '../../../inspect/inspector.ts';
import { deferred, until } from '../../until.ts';
import { type Scenario, settled } from '../scenario-bench.ts';
import { begin, canvasTasks } from './canvas-scenarios.ts';

const timeout = '20s';
const revoked = { name: 'TaskRevokedError' };

/** What each of these ids came to. */
async function ends(app: Lovage, ids: readonly string[]): Promise<readonly unknown[]> {
  return Promise.all(ids.map((id) => settled(app.asyncResult(id).get({ timeout }))));
}

async function waiting(app: Lovage): Promise<number> {
  const [counts] = await new Inspector(app).queues(['default']);
  return (counts?.waiting ?? 0) + (counts?.delayed ?? 0);
}

/** Canvases that are taken back while nobody works: everything that cannot run any more ends at once. */
export const canvasRevokeScenarios: readonly Scenario[] = [
  {
    name: 'canvas: a member that is revoked while it waits leaves its queue and ends what depends on it, without a worker',
    async run(bench) {
      const app = bench.app();
      const { add, identity, xsum } = canvasTasks(app);
      const header = [add.s(1, 1), add.s(2, 2), chain(identity.s(1), add.s(3))];
      const { id } = await chord(header, xsum.s().set({ queue: 'bodies', priority: 7 })).applyAsync([]);
      await app.asyncResult(`${id}~0.1`).revoke();
      expect(await ends(app, [id, `${id}~0.1`, `${id}~0`])).toMatchObject([revoked, revoked, revoked]);
      expect(await waiting(app)).toBe(2);
      const nested = await chain(identity.s([]), group(chord([add.s(1, 1)], xsum.s()), add.s(1))).applyAsync([]);
      await app.asyncResult(`${nested.id}~0`).revoke();
      const parts = ['', '~0', '.0', '.0~0', '.0~0.0', '.1'].map((part) => nested.id + part);
      expect(await ends(app, parts)).toMatchObject(parts.map(() => revoked));
      expect(await waiting(app)).toBe(2);
    },
  },
  {
    name: 'canvas: a revoked group ends with all of its members and their steps, and nothing of it is run',
    async run(bench) {
      const app = bench.app();
      const { add, identity, xsum } = canvasTasks(app);
      const whole = await chain(
        group(add.s(1, 1), chain(identity.s(2), add.s(1), group(add.s(1), add.s(2))), chord([add.s(3, 3)], xsum.s())),
        xsum.s(),
      ).applyAsync([]);
      await app.groupResult(`${whole.id}~0`).revoke();
      const parts = ['', '~0', '~0.0', '~0.1', '~0.1~0', '~0.1~1', '~0.1.0', '~0.1.1', '~0.2', '~0.2~0', '~0.2~0.0'];
      const ids = parts.map((part) => whole.id + part);
      expect(await ends(app, ids)).toMatchObject(parts.map(() => revoked));
      expect(await waiting(app)).toBe(0);
      const many = await group(Array.from({ length: 1_200 }, (_, n) => add.s(n, n))).applyAsync([]);
      await many.revoke();
      expect(await ends(app, [many.id, `${many.id}.0`, `${many.id}.1199`])).toMatchObject([revoked, revoked, revoked]);
      expect(await waiting(app)).toBe(0);
    },
  },
  {
    name: 'canvas: a chain that is revoked by its id goes from its first step on, one that is revoked in its middle from there on',
    async run(bench) {
      const app = bench.app();
      const ran: string[] = [];
      const step = app.task('step', (_before: unknown, name: string) => void ran.push(name));
      const canvas = (name: string) =>
        chain(step.s(0, `${name}1`), group(step.s(`${name}2`), step.s(`${name}3`)), step.s(`${name}4`));
      const whole = await canvas('a').applyAsync([]);
      const middle = await canvas('b').applyAsync([]);
      await whole.revoke();
      await app.asyncResult(`${middle.id}~1`).revoke();
      const all = ['', '~0', '~1', '~1.0', '~1.1'].map((part) => whole.id + part);
      const later = ['', '~1', '~1.0', '~1.1'].map((part) => middle.id + part);
      expect(await ends(app, [...all, ...later])).toMatchObject([...all, ...later].map(() => revoked));
      await bench.worker(app);
      expect(await app.asyncResult(`${middle.id}~0`).get({ timeout })).toBeUndefined();
      await chain(step.s(0, 'last')).call([], { timeout });
      expect(ran).toEqual(['b1', 'last']);
    },
  },
  {
    name: 'canvas: a revoked task that runs ends what depends on it at once; a replaced one takes its replacement with it',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const [started, gate] = [deferred(), deferred()];
      const held = app.task('held', async () => {
        started.resolve();
        await gate.promise;
        return 1;
      });
      const running = await chain(held.s(), tasks.add.s(1), tasks.add.s(2)).applyAsync([]);
      await started.promise;
      await app.asyncResult(`${running.id}~0`).revoke();
      const ids = ['', '~0', '~1'].map((part) => running.id + part);
      expect(await ends(app, ids)).toMatchObject([revoked, revoked, revoked]);
      gate.resolve();
      const replaced = app.task({ name: 'replaced', bind: true }, (self): number => {
        throw self.replace(chain(tasks.add.s(1, 1).set({ queue: 'nobody' }), tasks.add.s(1)));
      });
      const chained = await chain(replaced.s(), tasks.add.s(1)).applyAsync([]);
      const inner = app.asyncResult(`${chained.id}~0~r~0`);
      await until(async () => (await inner.state()) === 'SENT', { what: 'the replacement' });
      await app.asyncResult(`${chained.id}~0`).revoke();
      const parts = ['', '~0', '~0~r', '~0~r~0'].map((part) => chained.id + part);
      expect(await ends(app, parts)).toMatchObject(parts.map(() => revoked));
    },
  },
  {
    name: 'canvas: error callbacks of a call that is revoked while it waits are sent, once',
    async run(bench) {
      const app = bench.app();
      const { add, xsum } = canvasTasks(app);
      const seen: string[] = [];
      const note = app.task('note', (id: string, what: string) => void seen.push(`${what} ${id}`));
      const single = await add.applyAsync([1, 2], { linkError: note.s('single') });
      const whole = await chain(add.s(1, 1), add.s(1)).linkError(note.s('chain')).applyAsync([]);
      const header = await chord([add.s(1, 1), add.s(2, 2)], xsum.s())
        .linkError(note.s('chord'))
        .applyAsync([]);
      await single.revoke();
      await whole.revoke();
      await single.revoke();
      await app.asyncResult(`${header.id}~0.1`).revoke();
      await bench.worker(app);
      await until(() => seen.length >= 3, { what: () => `three callbacks, saw ${seen}` });
      await chain(add.s(1, 1), add.s(1), add.s(1)).call([], { timeout }); // time for one too many
      expect(seen.sort()).toEqual([`chain ${whole.id}`, `chord ${header.id}`, `single ${single.id}`]);
    },
  },
  {
    name: 'canvas: purging a queue ends what depends on the steps that waited in it',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, xsum } = tasks;
      const there = { queue: 'crowded' };
      const step = add.s(1).set(there);
      const whole = await chain(add.s(1, 1), step, add.s(2)).applyAsync([]);
      const joined = await chord([add.s(1, 1), add.s(2, 2).set(there)], xsum.s()).applyAsync([]);
      const plain = await add.applyAsync([1, 2], there);
      const ids = [`${whole.id}~1`, `${joined.id}~0.1`, plain.id];
      const arrived = async () => (await Promise.all(ids.map((id) => app.asyncResult(id).state()))).join();
      await until(async () => (await arrived()) === 'SENT,SENT,SENT', { what: 'the queue to fill' });
      expect(await new Inspector(app).purge('crowded')).toBe(3);
      const all = [...ids, whole.id, joined.id];
      expect(await ends(app, all)).toMatchObject(
        all.map(() => ({ ...revoked, message: expect.stringContaining('purged') })),
      );
      expect(await app.asyncResult(`${whole.id}~0`).get({ timeout })).toBe(2);
    },
  },
];
