import { expect } from 'vitest';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { group } from '../../../canvas/group.ts';
import { graphOf, renderGraph } from '../../../inspect/task-graph.ts';
import { Ignore } from '../../../message/control-signal.ts';
import type { GroupResult } from '../../../results/group-result.ts';
import { deferred, until } from '../../until.ts';
import { type Scenario, settled } from '../scenario-bench.ts';
import { begin, canvasTasks, original } from './canvas-scenarios.ts';

const timeout = '20s';

/** How canvases end: links, errors, replacements, revocations; and who knows what of whom. */
export const canvasEndingScenarios: readonly Scenario[] = [
  {
    name: 'canvas: links get the value, once each, and error callbacks the failing id',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, fail, xsum } = tasks;
      const seen: string[] = [];
      const note = app.task(
        'note',
        (what: unknown, tag?: string) => void seen.push(`${tag ?? ''}${JSON.stringify(what)}`),
      );
      const marker = (tag: string) => note.s(tag);
      await (await add.applyAsync([1, 2], { link: [marker('call'), note.si('immutable')] })).get({ timeout });
      await group(add.s(1, 1), add.s(2, 2)).link(marker('group')).call([], { timeout });
      await chord([add.s(1, 1)], xsum.s())
        .link(marker('chord'))
        .call([], { timeout });
      const inner = chain(add.s(1, 1), add.s(1)).link(marker('inner'));
      await chain(inner, add.s(10)).link(marker('outer')).call([], { timeout });
      const failing = await chain(add.s(1, 1), fail.s(), add.s(1)).linkError(marker('chain')).applyAsync([]);
      await settled(failing.get({ timeout }));
      const broken = await chord(
        Array.from({ length: 42 }, () => fail.s()),
        xsum.s(),
      )
        .linkError(marker('failed'))
        .applyAsync([]);
      await settled(broken.get({ timeout }));
      const members = await group(fail.s(), add.s(1, 1), fail.s()).linkError(marker('member')).applyAsync([]);
      await settled(members.join({ timeout, propagate: false }));
      await until(() => seen.length >= 10, { what: () => `ten callbacks, saw ${seen}` });
      await chain(xsum.si([]), xsum.si([]), xsum.si([])).call([], { timeout }); // time for one too many
      expect(seen.sort()).toEqual(
        [
          '"immutable"',
          'call3',
          'chord2',
          `chain"${failing.id}~1"`,
          `failed"${broken.id}"`,
          'group[2,4]',
          'inner3',
          `member"${members.id}.0"`,
          `member"${members.id}.2"`,
          'outer13',
        ].sort(),
      );
    },
  },
  {
    name: 'canvas: after a failure every id that was handed out has ended, with the original error as cause',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, fail, identity, xsum } = tasks;
      const later = group(add.s(1), chain(identity.s(), add.s(2)), chord([identity.s()], xsum.s()));
      const { id } = await chain(add.s(1, 1), fail.s(), add.s(5), later, xsum.s()).applyAsync([]);
      const ids = ['', '~2', '~3', '~3.0', '~3.1', '~3.1~0', '~3.2', '~3.2~0', '~3.2~0.0'].map((place) => id + place);
      for (const part of ids) {
        const error = await app
          .asyncResult(part)
          .get({ timeout })
          .catch((caught: unknown) => caught);
        expect(error, part).toMatchObject({ remoteName: 'DependencyFailedError', cause: { message: 'it had to' } });
        expect(await app.asyncResult(part).state(), part).toBe('FAILURE');
      }
      expect(await app.asyncResult(`${id}~0`).state()).toBe('SUCCESS');
    },
  },
  {
    name: 'canvas: a revoked or expired member ends what depends on it as REVOKED',
    async run(bench) {
      const app = bench.app();
      const { add, xsum } = canvasTasks(app);
      const first = await chord([add.s(1, 1), add.s(2, 2).set({ expires: 1 })], xsum.s()).applyAsync([]);
      const second = await chord([add.s(1, 1), add.s(2, 2)], chain(xsum.s(), add.s(1))).applyAsync([]);
      await app.asyncResult(`${second.id}~0.1`).revoke();
      const third = await chain(add.s(1, 1), add.s(2), add.s(3)).applyAsync([]);
      await third.revoke();
      const fourth = await group(add.s(1, 1), chain(add.s(2, 2), add.s(1))).applyAsync([]);
      await fourth.revoke();
      const sent = Date.now();
      await until(() => Date.now() > sent + 2, { what: 'the first to expire' });
      await bench.worker(app);
      for (const result of [first, second, third, fourth]) {
        expect(await settled(result.get({ timeout })), result.id).toMatchObject({ name: 'TaskRevokedError' });
      }
      for (const id of [`${second.id}~n0`, `${fourth.id}.0`, `${fourth.id}.1`]) {
        expect(await settled(app.asyncResult(id).get({ timeout })), id).toMatchObject({ name: 'TaskRevokedError' });
      }
    },
  },
  {
    name: 'canvas: an ignored task and a rejected one end what depends on them',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const ignoring = app.task('ignoring', () => {
        throw new Ignore();
      });
      const chained = chain(ignoring.s(), tasks.add.s(1) as never);
      expect(await settled(chained.call([], { timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      expect(
        await settled(chord([ignoring.s(), tasks.add.s(1, 1)], tasks.xsum.s()).call([], { timeout })),
      ).toMatchObject({
        name: 'TaskRevokedError',
      });
    },
  },
  {
    name: 'canvas: steps keep their own queues and priorities, and the whole starts when it is told to',
    async run(bench) {
      const app = bench.app();
      const where = app.task({ name: 'where', bind: true }, (self, before: unknown[] = []) => [
        ...before.flat(),
        `${self.queue}/${self.priority}`,
      ]);
      await bench.worker(app, { queues: ['default', 'heads', 'bodies'] });
      const canvas = chord(
        [where.si([]).set({ queue: 'heads', priority: 2 }), where.si([])],
        chain(where.s().set({ queue: 'bodies', priority: 7 }), where.s()),
      );
      const start = Date.now();
      const result = await canvas.applyAsync([], { countdown: 300, priority: 4 });
      expect(await result.get({ timeout })).toEqual(['heads/2', 'default/4', 'bodies/7', 'default/4']);
      expect(Date.now() - start).toBeGreaterThanOrEqual(299);
    },
  },
  {
    name: 'canvas: members know their place, and stamps reach every one of them',
    async run(bench) {
      const app = bench.app();
      const info: unknown[] = [];
      const who = app.task({ name: 'who', bind: true }, (self, ..._rest: unknown[]) => {
        const { id, rootId, parentId, groupId, groupIndex, stamps } = self;
        info.push(stamps.customer);
        return { id, rootId, parentId, groupId, groupIndex };
      });
      await bench.worker(app);
      const canvas = chain(who.si(), group([who.si(), who.si()]), who.s())
        .stamp({ customer: 42 })
        .link(who.s());
      const result = await canvas.applyAsync([]);
      const { id } = result;
      const body = { id, rootId: id, parentId: `${id}~1.0` };
      expect(await result.get({ timeout })).toEqual(body);
      const group0 = await app.groupResult<unknown[]>(`${id}~1`).get({ timeout });
      const seat = (groupIndex: number) => ({
        id: `${id}~1.${groupIndex}`,
        rootId: id,
        parentId: `${id}~0`,
        groupId: `${id}~1`,
        groupIndex,
      });
      expect(group0).toEqual([seat(0), seat(1)]);
      expect(result.parent?.id).toBe(`${id}~1.0`);
      await until(() => info.length === 5, { what: 'the link' });
      expect(info).toEqual([42, 42, 42, 42, 42]);
    },
  },
  {
    name: 'canvas: self.replace puts a canvas in the place of a task',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, fail, xsum } = tasks;
      const replaced = app.task({ name: 'replaced', bind: true }, (self, how: string, n: number): number => {
        switch (how) {
          case 'task':
            throw self.replace(add.s(n, 1));
          case 'chain':
            throw self.replace(chain(add.s(n, 1), add.s(10)));
          case 'chord':
            throw self.replace(chord([add.s(n, 1), add.s(n, 2)], xsum.s()));
          case 'group':
            throw self.replace(group(add.s(n, 1), add.s(n, 2)));
          case 'twice':
            throw self.replace(replaced.s('chain', n));
          case 'empty':
            throw self.replace(chain());
          default:
            throw self.replace(fail.s());
        }
      });
      expect(await replaced.call(['task', 1], { timeout })).toBe(2);
      expect(await replaced.call(['chain', 1], { timeout })).toBe(12);
      expect(await replaced.call(['chord', 1], { timeout })).toBe(5);
      expect(await replaced.call(['group', 1], { timeout })).toEqual([2, 3]);
      expect(await replaced.call(['twice', 1], { timeout })).toBe(12);
      expect(await chain(replaced.s('chain', 1), add.s(100)).call([], { timeout })).toBe(112);
      expect(await chord([replaced.s('chord', 1), replaced.s('group', 1)], xsum.s()).call([], { timeout })).toBe(10);
      expect(await settled(replaced.call(['empty', 1], { timeout }))).toMatchObject({
        message: expect.stringContaining('empty chain'),
      });
      const failing = chord([replaced.s('fail', 1), add.s(1, 1)], xsum.s());
      const error = await failing.call([], { timeout }).catch((caught: unknown) => caught);
      expect(original(error)).toMatchObject({ message: 'it had to' });
      expect(await settled(replaced.call(['fail', 1], { timeout }))).toMatchObject({ message: 'it had to' });
    },
  },
  {
    name: 'canvas: self.addToChord adds members to the running chord',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, identity } = tasks;
      const adds = app.task({ name: 'adds', bind: true }, async (self, n: number) => {
        for (let index = 0; index < n; index++) await self.addToChord(chain(add.s(n, index), add.s(100)));
        return n;
      });
      const canvas = chord([adds.s(2), identity.s('one'), adds.s(1)], identity.s());
      expect(await canvas.call([], { timeout })).toEqual([2, 'one', 1, 102, 103, 101]);
      const nested = app.task({ name: 'nested', bind: true }, async (self, depth: number) => {
        if (depth > 0) await self.addToChord(nested.s(depth - 1));
        return depth;
      });
      expect(await chord([nested.s(2), identity.s('one')], identity.s()).call([], { timeout })).toEqual([
        2,
        'one',
        1,
        0,
      ]);
      expect(await settled(adds.call([1], { timeout }))).toMatchObject({
        message: expect.stringContaining('header member'),
      });
    },
  },
  {
    name: 'canvas: a group result iterates, counts, joins and is found again by its id',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const { fail, identity } = canvasTasks(app);
      const slow = app.task('slow', async () => {
        await gate.promise;
        return 'slow';
      });
      await bench.worker(app);
      const result = await group(slow.s(), identity.s('b'), identity.s('c')).applyAsync([]);
      const elsewhere: GroupResult<unknown[]> = bench.app().groupResult(result.id);
      expect(await elsewhere.size()).toBe(3);
      await until(async () => (await result.completedCount()) === 2, { what: 'two members' });
      expect(await result.ready()).toBe(false);
      const seen: unknown[] = [];
      for await (const [index, value] of elsewhere.iterate({ timeout })) {
        seen.push([index, value]);
        if (seen.length === 2) gate.resolve();
      }
      expect(seen.at(-1)).toEqual([0, 'slow']);
      expect(await elsewhere.get({ timeout })).toEqual(['slow', 'b', 'c']);
      expect(await result.at(1).get({ timeout })).toBe('b');
      const mixed = await group(identity.s(1), fail.s()).applyAsync([]);
      const joined: readonly unknown[] = await mixed.join({ timeout, propagate: false });
      expect(joined).toEqual([1, expect.objectContaining({ message: 'it had to' })]);
      expect(await mixed.failed()).toBe(true);
    },
  },
  {
    name: 'canvas: the graph of a canvas shows every part of it, before and after it runs',
    async run(bench) {
      const app = bench.app();
      const { add, identity, xsum } = canvasTasks(app);
      const canvas = chain(add.s(1, 1), group(identity.s(), chain(identity.s(), add.s(1))), xsum.s()).link(
        identity.s(),
      );
      const result = await canvas.applyAsync([]);
      const { id } = result;
      const states = async (from: string) =>
        Object.fromEntries(
          (await app.asyncResult(from).graph()).nodes.map((node) => [node.id.slice(id.length), node.state]),
        );
      const parts = ['~0', '~1', '~1.0', '~1.1~0', '~1.1', ''];
      expect(await states(id)).toEqual({ ...Object.fromEntries(parts.map((part) => [part, 'PENDING'])), '~0': 'SENT' });
      await bench.worker(app);
      await result.get({ timeout });
      const link = `${id}~s0.0~r`;
      await app.asyncResult(link).get({ timeout });
      for (const from of [id, `${id}~0`, `${id}~1`, `${id}~1.1~0`]) {
        const all = [...parts, link.slice(id.length)];
        expect(await states(from), from).toEqual(Object.fromEntries(all.map((part) => [part, 'SUCCESS'])));
      }
      const children = await app.asyncResult(`${id}~1`).children();
      expect(children.map((child) => child.id.slice(id.length)).sort()).toEqual(['', '~1.0', '~1.1~0']);
      const graph = await graphOf(app, id);
      expect(
        renderGraph(graph, 'text')
          .split('\n')
          .map((row) => row.replace(id, '').trimEnd()),
      ).toEqual([
        'add SUCCESS  ~0',
        'group of 2 SUCCESS  ~1',
        '  identity SUCCESS  ~1.0',
        '  identity SUCCESS  ~1.1~0',
        '  add SUCCESS  ~1.1',
        'xsum SUCCESS',
        '  identity SUCCESS  ~s0.0~r',
      ]);
      expect(renderGraph(graph, 'mermaid')).toContain('n0["add SUCCESS"]:::SUCCESS');
      expect(renderGraph(graph, 'svg')).toContain('<text');
      expect(JSON.parse(renderGraph(graph, 'json'))).toEqual(graph);
    },
  },
  {
    name: 'canvas: retries and ignored results change nothing for what follows',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const { add, xsum } = tasks;
      const runs = new Map<number, number>();
      const shaky = app.task({ name: 'shaky', bind: true, ignoreResult: true }, (self, list: number[], n: number) => {
        runs.set(n, (runs.get(n) ?? 0) + 1);
        if (self.retries < 2) throw self.retry({ countdown: 10 });
        return list.length + n;
      });
      const big = app.task('big', () => Array.from({ length: 20_000 }, (_, index) => index));
      const canvas = chain(
        big.s(),
        group([shaky.s(1), shaky.s(2)]),
        xsum.s(),
        add.s(1).set({ ignoreResult: true }),
        add.s(1),
      );
      expect(await canvas.call([], { timeout })).toBe(40_005);
      expect([...runs]).toEqual(
        expect.arrayContaining([
          [1, 3],
          [2, 3],
        ]),
      );
    },
  },
];
