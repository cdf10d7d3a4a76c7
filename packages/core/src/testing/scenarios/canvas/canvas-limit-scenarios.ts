import { expect } from 'vitest';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { gate } from '../../../canvas/gate.ts';
import { group } from '../../../canvas/group.ts';
import { deferred, until } from '../../until.ts';
import type { Scenario } from '../scenario-bench.ts';
import { begin, canvasTasks, original } from './canvas-scenarios.ts';

const timeout = '20s';

/** Canvases under bad luck and of many members: what is missing ends them, and size does not. */
export const canvasLimitScenarios: readonly Scenario[] = [
  {
    name: 'canvas: a body that no worker knows ends what waits for it, when its grace is over',
    async run(bench) {
      const app = bench.app();
      const { add } = canvasTasks(app);
      await bench.worker(app, { unknownTaskGrace: 300 });
      const unknown = app.remote<(list: unknown) => number>('nobody.knows.it');
      const result = await chain(chord([add.s(1, 1), add.s(2, 2)], unknown.s()), add.s(1)).applyAsync([]);
      const error = await result.get({ timeout }).catch((caught: unknown) => caught);
      expect(original(error)).toMatchObject({ name: 'UnknownTaskError' });
      const states = ['~0', '~0~0'].map((part) => app.asyncResult(result.id + part).state());
      expect(await Promise.all(states)).toEqual(['FAILURE', 'SUCCESS']);
    },
  },
  {
    name: 'canvas: a member whose result expires before the last one ends fails the body, and nobody hangs',
    async run(bench) {
      const app = bench.app();
      const gate = deferred();
      const { identity, xsum } = canvasTasks(app);
      const slow = app.task('slow', () => gate.promise.then(() => 1));
      await bench.worker(app);
      const short = identity.s(1).set({ resultExpires: 50 });
      const result = await chain(group([short, slow.s()]), xsum.s(), identity.s()).applyAsync([]);
      const member = app.asyncResult(`${result.id}~0.0`);
      await until(async () => (await member.state()) === 'PENDING', { what: 'the result to be gone' });
      gate.resolve();
      const error = await result.get({ timeout }).catch((caught: unknown) => caught);
      expect(original(error)).toMatchObject({ message: expect.stringContaining(member.id) });
    },
  },
  {
    name: 'canvas: values are kept beyond their time while what needs them waits for its moment or for somebody',
    async run(bench) {
      const app = bench.app({ resultExpires: 1_000 });
      const { add, identity, xsum } = canvasTasks(app);
      await bench.worker(app);
      const countdown = 1_500;
      const list = chain(add.s(2, 2), group(identity.s(), identity.s()));
      const vote = await chord([add.s(1, 1), gate<number>('vote'), list], xsum.s()).delay();
      const late = (await group([add.s(1, 1), add.s(2, 2).set({ countdown })]).delay()).get({ timeout });
      const large = chain(identity.s('x'.repeat(20_000)), identity.s().set({ countdown })).call([], { timeout });
      const usual = await identity.delay('usual');
      await usual.get({ timeout });
      await until(async () => (await usual.state()) === 'PENDING', { what: 'the usual time to be over' });
      const [waiting] = await app.gates.list({ name: 'vote' });
      await app.resolveGate(waiting?.id ?? '', 5);
      expect(await vote.get({ timeout })).toBe(2 + 5 + 4 + 4);
      expect(await late).toEqual([2, 4]);
      expect(await large).toHaveLength(20_000);
    },
  },
  {
    name: 'canvas: forget() takes what has ended, members too, and nothing that is still to be sent',
    async run(bench) {
      const app = bench.app();
      const { add, identity, xsum } = canvasTasks(app);
      const begun = deferred();
      const first = app.task('first', () => begun.promise.then(() => 1));
      await bench.worker(app);
      const results = await Promise.all([chain(first.s(), add.s(1)).delay(), chord([first.s()], xsum.s()).delay()]);
      for (const result of results) await result.forget(); // the last steps are laid down under these ids
      begun.resolve();
      expect(await Promise.all(results.map((result) => result.get({ timeout })))).toEqual([2, 1]);

      const list = chain(identity.s(2), group(identity.s(), identity.s()));
      const result = await group(identity.s(1), list).delay();
      expect(await result.get({ timeout })).toEqual([1, [2, 2]]);
      await result.forget();
      const ids = ['', '.0', '.1', '.1.0', '.1.1'].map((place) => app.asyncResult(result.id + place));
      expect(await Promise.all(ids.map((one) => one.state()))).toEqual(ids.map(() => 'PENDING'));
    },
  },
  {
    name: 'canvas: members of a generator are published while it still runs',
    async run(bench) {
      const { app, tasks } = await begin(bench);
      const result = deferred<string>();
      const info = app.task('told', (n: number) => {
        if (n === 0) result.resolve('the first member has run');
        return n;
      });
      let seen = '';
      const members = async function* () {
        for (let n = 0; n < 1_100; n++) {
          if (n === 1_099) seen = await result.promise; // would wait for ever if nothing were sent before the end
          yield info.s(n);
        }
      };
      expect(await chord(members(), tasks.xsum.s()).call([], { timeout })).toBe((1_099 * 1_100) / 2);
      expect(seen).toBe('the first member has run');
    },
  },
  {
    name: 'canvas: a chord of 3,000 members, its values in order',
    async run(bench) {
      const app = bench.app();
      const { identity } = canvasTasks(app);
      const check = app.task(
        'check',
        (list: unknown[]) => list.length === 3000 && list.every((value, at) => value === at),
      );
      await bench.worker(app, { concurrency: 50 });
      const members = function* () {
        for (let n = 0; n < 3000; n++) yield identity.s(n);
      };
      expect(await chord(members(), check.s()).call([], { timeout: '80s' })).toBe(true);
    },
  },
];
