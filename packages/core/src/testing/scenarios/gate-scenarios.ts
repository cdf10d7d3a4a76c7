import { expect } from 'vitest';
import type { Lovage } from '../../app/app.ts';
import type { WaitingGate } from '../../app/gates.ts';
import { chain } from '../../canvas/chain.ts';
import { gate } from '../../canvas/gate.ts';
import { group } from '../../canvas/group.ts';
import { Inspector } from '../../inspect/inspector.ts';
import { until } from '../until.ts';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** The one gate that waits, once there is one. */
async function waitingGate(app: Lovage, name = 'approval'): Promise<WaitingGate> {
  const what = `the gate ${name}`;
  const gates = await until(async () => (await app.gates.list({ name })).length > 0 && app.gates.list({ name }), {
    what,
  });
  return (gates as readonly WaitingGate[])[0] as WaitingGate;
}

/** Steps of a canvas that wait for somebody. */
export const gateScenarios: readonly Scenario[] = [
  {
    name: 'a gate holds no slot, shows what it waits for, and hands its value on when it is resolved from anywhere',
    async run(bench) {
      const app = bench.app();
      const request = app.task('request', (what: string) => ({ what }));
      const ship = app.task('ship', (answer: { by: string }, address: string) => `${answer.by} to ${address}`);
      const add = app.task('add', (x: number, y: number) => x + y);
      await bench.worker(app, { concurrency: 1 });
      const canvas = chain(request.s(), gate<{ by: string }>('approval'), ship.s('Paris'));
      const result = await canvas.delay('tea');
      const { id, input, since, until: end, rootId } = await waitingGate(app);
      expect(input).toEqual({ what: 'tea' });
      expect(rootId).toBe(result.id);
      expect(end.getTime() - since.getTime()).toBe(28 * 86_400_000);
      expect(await app.asyncResult(id).state()).toBe('WAITING');
      expect(await add.call([1, 2], { timeout })).toBe(3); // the only slot is free
      await bench.app().resolveGate(id, { by: 'Ada' });
      expect(await result.get({ timeout })).toBe('Ada to Paris');
      expect(await app.asyncResult(id).get({ timeout })).toEqual({ by: 'Ada' });
      await until(async () => (await app.gates.list()).length === 0, { what: 'an empty list' });
    },
  },
  {
    name: 'a gate is decided once: whoever comes later is told how, and the same decision again is no error',
    async run(bench) {
      const app = bench.app();
      const runs: unknown[] = [];
      const note = app.task('note', (value: unknown) => {
        runs.push(value);
        return value;
      });
      await bench.worker(app);
      const result = await chain(note.si('before'), gate('approval'), note.s()).delay();
      const { id } = await waitingGate(app);
      const others = Array.from({ length: 10 }, (_, index) => bench.app().resolveGate(id, index));
      const outcomes = await Promise.all(others.map((work) => settled(work)));
      const lost = outcomes.filter((outcome) => outcome !== undefined);
      expect(lost).toHaveLength(9);
      const value = (await result.get({ timeout })) as number;
      for (const error of lost) {
        expect(error).toMatchObject({
          name: 'GateDecidedError',
          message: expect.stringContaining(`it was resolved with ${value}`),
        });
      }
      await app.resolveGate(id, value);
      expect(await settled(app.rejectGate(id, 'no'))).toMatchObject({ name: 'GateDecidedError' });
      expect(runs).toEqual(['before', value]);
    },
  },
  {
    name: 'a gate that is rejected fails what follows it, with the reason as its cause',
    async run(bench) {
      const app = bench.app();
      const note = app.task('note', (value: unknown) => value);
      await bench.worker(app);
      const result = await chain(note.si(1), gate('approval'), note.s()).delay();
      const { id } = await waitingGate(app);
      await app.rejectGate(id, 'too dear');
      expect(await settled(app.asyncResult(id).get({ timeout }))).toMatchObject({
        message: 'the gate was rejected: too dear',
      });
      expect(await settled(result.get({ timeout }))).toMatchObject({
        message: expect.stringContaining('GateRejectedError: the gate was rejected: too dear'),
      });
    },
  },
  {
    name: 'a gate that nobody resolves fails after its time, or takes its default',
    async run(bench) {
      const app = bench.app();
      const note = app.task('note', (value: unknown) => value);
      await bench.worker(app);
      const failing = await chain(note.si(1), gate('approval', { timeout: 200 }), note.s()).delay();
      const lenient = await chain(note.si(1), gate('lenient', { timeout: 200, default: 'nobody' }), note.s()).delay();
      expect(await lenient.get({ timeout })).toBe('nobody');
      expect(await settled(failing.get({ timeout }))).toMatchObject({
        message: expect.stringContaining('GateTimeoutError: no decision for the gate "approval" within 200 ms'),
      });
      expect(await settled(app.resolveGate((failing.parent as { id: string }).id, 1))).toMatchObject({
        name: 'GateDecidedError',
        message: expect.stringContaining('no decision for the gate'),
      });
    },
  },
  {
    name: 'a gate lives on without workers, and is resolved before its turn too',
    async run(bench) {
      const app = bench.app();
      const note = app.task({ name: 'note', queue: 'own' }, (value: unknown) => value);
      const canvas = chain(note.si('before'), gate<string>('approval'), note.s());
      const early = await canvas.delay();
      const earlyGate = (early.parent as { id: string }).id;
      await app.resolveGate(earlyGate, 'early');
      const late = await canvas.delay();
      const first = await bench.worker(app, { queues: ['own'] }); // the gate's messages go where its neighbours go
      expect(await early.get({ timeout })).toBe('early');
      const { id } = await waitingGate(app);
      await first.close();
      await app.resolveGate(id, 'late');
      await bench.worker(app, { queues: ['own'] });
      expect(await late.get({ timeout })).toBe('late');
    },
  },
  {
    name: 'gates stand anywhere in a canvas: at its start, in a group, in a header, twice in a row, as JSON',
    async run(bench) {
      const app = bench.app();
      const note = app.task('note', (value: unknown) => value);
      const one = app.task('one', () => 1);
      const sum = app.task('sum', (values: readonly number[]) => values.reduce((total, value) => total + value, 0));
      await bench.worker(app);
      const first = await chain(gate<string>('first'), note.s()).delay();
      await app.resolveGate((await waitingGate(app, 'first')).id, 'begun');
      expect(await first.get({ timeout })).toBe('begun');
      const votes = await chain(group([gate<number>('a'), gate<number>('b'), one.si()]), sum.s()).delay();
      await app.resolveGate((await waitingGate(app, 'a')).id, 10);
      await app.resolveGate((await waitingGate(app, 'b')).id, 100);
      expect(await votes.get({ timeout })).toBe(111);
      const json = JSON.parse(JSON.stringify(chain(note.si(1), gate('one'), gate('two'), note.s()))) as never;
      const twice = await app.signature(json).applyAsync([]);
      await app.resolveGate((await waitingGate(app, 'one')).id, 'first of two');
      const second = await waitingGate(app, 'two');
      expect(second.input).toBe('first of two');
      await app.resolveGate(second.id, { value: [1, null] });
      expect(await twice.get({ timeout })).toEqual({ value: [1, null] });
    },
  },
  {
    name: 'a gate that is revoked is gone, and what follows it ends REVOKED',
    async run(bench) {
      const app = bench.app();
      const note = app.task('note', (value: unknown) => value);
      await bench.worker(app);
      const result = await chain(note.si(1), gate('approval'), note.s()).delay();
      const { id } = await waitingGate(app);
      await app.control.revoke(id);
      expect(await settled(result.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      expect(await settled(app.resolveGate(id, 1))).toMatchObject({ name: 'GateDecidedError' });
      expect(await app.gates.list()).toEqual([]);
      const whole = await chain(note.si(1), gate('approval'), note.s()).delay();
      const inside = await waitingGate(app);
      await whole.revoke();
      expect(await settled(app.resolveGate(inside.id, 1))).toMatchObject({ name: 'GateDecidedError' });
      expect(await app.gates.list()).toEqual([]);
    },
  },
  {
    name: 'a gate whose messages are purged from their queue ends REVOKED, and leaves nobody waiting',
    async run(bench) {
      const app = bench.app();
      const note = app.task({ name: 'note', queue: 'purged' }, (value: unknown) => value);
      const worker = await bench.worker(app, { queues: ['purged'] });
      const result = await chain(note.si(1), gate('approval'), note.s()).delay();
      await waitingGate(app);
      await worker.close();
      expect(await new Inspector(app).purge('purged')).toBe(1);
      expect(await settled(result.get({ timeout }))).toMatchObject({ name: 'TaskRevokedError' });
      expect(await app.gates.list()).toEqual([]);
    },
  },
  {
    name: 'a step that fails before a gate ends it; gates and decisions that cannot be are refused at once',
    async run(bench) {
      const app = bench.app();
      const note = app.task('note', (value: unknown) => value);
      const fail = app.task({ name: 'fail', maxRetries: 0 }, (): number => {
        throw new Error('no');
      });
      await bench.worker(app);
      const result = await chain(fail.s(), gate('approval'), note.s()).delay();
      expect(await settled(result.get({ timeout }))).toMatchObject({ message: expect.stringContaining('no') });
      expect(await app.gates.list()).toEqual([]);
      const task = await note.delay(1);
      await task.get({ timeout });
      const wrong: readonly (readonly [() => Promise<unknown>, string])[] = [
        [() => app.resolveGate('nowhere'), 'no gate "nowhere": its id is not known'],
        [() => app.resolveGate(task.id), 'it is a task (note)'],
        [() => app.resolveGate(''), 'the id is that of a gate'],
        [() => app.resolveGate('x', () => 1), 'value is a function'],
        [() => app.rejectGate('x', 5 as never), 'the reason is text, or an error'],
        [async () => gate(''), 'expected a well-formed name'],
        [async () => gate('x', { timeout: '29d' }), 'a gate waits for at most 28 days'],
        [async () => gate('x', { timout: 5 } as never), 'did you mean "timeout"?'],
        [async () => gate('x', { default: Number.NaN }), 'is NaN'],
        [() => gate('x').delay(), 'this canvas has no task in it'],
      ];
      for (const [work, message] of wrong) {
        expect(await settled((async () => work())())).toMatchObject({ message: expect.stringContaining(message) });
      }
    },
  },
];
