import { expect } from 'vitest';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { group } from '../../../canvas/group.ts';
import type { AsyncResult } from '../../../results/async-result.ts';
import { until } from '../../until.ts';
import { type Scenario, settled } from '../scenario-bench.ts';
import { begin } from './canvas-scenarios.ts';

const timeout = '20s';

/** Ids that callers give to parts of canvases, and the way back to the first step. */
export const canvasIdScenarios: readonly Scenario[] = [
  {
    name: 'canvas: steps and members have the ids that set() gave them, wherever they are looked for',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, identity, xsum } = tasks;
      const seen: string[] = [];
      const whoami = app.task({ name: 'whoami', bind: true }, (self, value: number) => {
        seen.push(self.id);
        return value;
      });
      const named = chain(
        add.s(1, 1).set({ taskId: 'first' }),
        whoami.s().set({ taskId: 'second' }),
        add.s(10),
        whoami.s().set({ taskId: 'whole' }),
      );
      const result = await named.delay();
      expect(result.id).toBe('whole');
      expect(await result.get({ timeout })).toBe(12);
      expect(seen).toEqual(['second', 'whole']);
      const value = (id: string): Promise<unknown> => app.asyncResult(id).get({ timeout });
      expect(await Promise.all(['first', 'second', 'whole~2', 'whole'].map(value))).toEqual([2, 2, 12, 12]);
      for (const id of ['first', 'whole']) {
        const { nodes } = await app.asyncResult(id).graph();
        expect(nodes.map((node) => node.id)).toEqual(['first', 'second', 'whole~2', 'whole']);
      }

      const members = await group(
        add.s(1, 1).set({ taskId: 'm0' }),
        add.s(2, 2),
        identity.s(9).set({ taskId: 'm2' }),
      ).delay();
      expect(await members.get({ timeout })).toEqual([2, 4, 9]);
      expect([members.at(0).id, members.at(1).id, members.at(2).id]).toEqual(['m0', `${members.id}.1`, 'm2']);
      const elsewhere = app.groupResult(members.id);
      expect(await elsewhere.join({ timeout, propagate: false })).toEqual([2, 4, 9]);
      expect([await elsewhere.completedCount(), elsewhere.at(2).id]).toEqual([3, 'm2']);
      expect(await value('m2')).toBe(9);

      const body = xsum.s().set({ taskId: 'body' });
      const header = [chain(add.s(1, 1), add.s(1).set({ taskId: 'h0' })), add.s(5, 5)];
      const sum = await chord(header, body)
        .link(identity.s().set({ taskId: 'linked' }))
        .delay();
      expect([sum.id, await sum.get({ timeout }), await value('h0'), await value('linked')]).toEqual([
        'body',
        13,
        3,
        13,
      ]);
      expect((await app.asyncResult('body').parents()).map(({ id }) => id)).toEqual(['h0', 'h0~0']);
      expect((await app.asyncResult('body').graph()).nodes.map(({ id }) => id)).toEqual(
        expect.arrayContaining(['h0~0', 'h0', 'body~0.1', 'body', 'linked']),
      );
    },
  },
  {
    name: 'canvas: a failure, a revocation and forget() find parts by ids of their own',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, fail, xsum } = tasks;
      const failing = await chain(add.s(1, 1), fail.s().set({ taskId: 'breaks' }), add.s(1)).delay();
      expect(await settled(failing.get({ timeout }))).toMatchObject({ name: 'TaskFailedError' });
      expect(await app.asyncResult('breaks').state()).toBe('FAILURE');
      const broken = await chord([fail.s().set({ taskId: 'member' }), add.s(1, 1)], xsum.s()).delay();
      expect(await settled(broken.get({ timeout }))).toMatchObject({ message: expect.stringContaining('member') });

      const waiting = await chord(
        [add.s(1, 1).set({ taskId: 'w0', countdown: '1h' }), add.s(1, 1).set({ countdown: '1h' })],
        xsum.s().set({ taskId: 'w' }),
      ).delay();
      await app.control.revoke('w0');
      expect(await settled(waiting.get({ timeout }))).toMatchObject({ name: expect.stringMatching(/^Task/) });
      expect(await app.asyncResult('w0').state()).toBe('REVOKED');

      const kept = await chord(
        [add.s(1, 1).set({ taskId: 'v0', countdown: '1h' })],
        xsum.s().set({ taskId: 'v' }),
      ).delay();
      await kept.revoke();
      await until(async () => (await app.asyncResult('v0').state()) === 'REVOKED', {
        what: 'the header to be taken back',
      });

      const members = await group(add.s(1, 1).set({ taskId: 'f0' }), add.s(2, 2)).delay();
      await members.get({ timeout });
      await members.forget();
      expect(await app.asyncResult('f0').state()).toBe('PENDING');
    },
  },
  {
    name: 'canvas: ids of ones own are refused where they cannot be, before anything is sent',
    async run(bench) {
      const { tasks } = await begin(bench);
      const { add } = tasks;
      const named = (taskId: string) => add.s(1, 1).set({ taskId });
      const two = chain(named('a'), add.s(1));
      for (const [send, message] of [
        [() => two.applyAsync([], { taskId: '' }), 'taskId of a canvas: "" cannot be a task id'],
        [() => two.applyAsync([], { taskId: 'x'.repeat(201) }), 'cannot be a task id'],
        [() => chain(named('a b'), add.s(1)).delay(), 'taskId of a step: "a b" cannot be a task id'],
        [() => group(named('a'), named('a')).delay(), 'taskId "a" is given to two parts of one canvas'],
        [
          () => chain(add.s(1, 1), named('b')).applyAsync([], { taskId: 'c' }),
          'taskId "c" of a canvas, and "b" of its last step',
        ],
        [
          () => chain(add.s(1, 1), chain(add.s(1), named('b')).set({ taskId: 'c' }), add.s(1)).delay(),
          'taskId "c" of a chain',
        ],
      ] as const satisfies readonly (readonly [() => Promise<unknown>, string])[]) {
        expect(await settled((async () => send())())).toMatchObject({
          name: 'ConfigurationError',
          message: expect.stringContaining(message),
        });
      }
    },
  },
  {
    name: 'canvas: parent leads back to the first step, from any handle',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, xsum } = tasks;
      const ids = (result: AsyncResult): string[] => {
        const found: string[] = [];
        for (let at = result.parent; at !== undefined; at = at.parent) found.push(at.id);
        return found;
      };
      const steps = await chain(add.s(1, 1), ...Array.from({ length: 9 }, () => add.s(1))).delay();
      const expected = Array.from({ length: 9 }, (_, index) => `${steps.id}~${8 - index}`);
      expect(ids(steps)).toEqual(expected);
      await steps.get({ timeout });
      const other = app.asyncResult(steps.id);
      expect((await other.parents()).map(({ id }) => id)).toEqual(expected);
      expect(other.parent?.id).toBe(expected[0]);
      const nested = await chain(
        add.s(1, 1),
        chord([chain(add.s(1), add.s(2)), add.s(3)], xsum.s()),
        chain(add.s(1), add.s(2)),
      ).delay();
      await nested.get({ timeout });
      expect(ids(nested)).toEqual((await app.asyncResult(nested.id).parents()).map(({ id }) => id));
      expect(ids(nested).length).toBe(5);
    },
  },
];
