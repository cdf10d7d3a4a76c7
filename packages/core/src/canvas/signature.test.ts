import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import type { Task } from '../app/task-handle.ts';
import { silentLogger } from '../logger.ts';
import { canvasTasks } from '../testing/scenarios/canvas/canvas-scenarios.ts';
import { until } from '../testing/until.ts';
import { startWorker } from '../worker.ts';
import { chain } from './chain.ts';
import { gate } from './gate.ts';
import { group } from './group.ts';
import type { AnySignature } from './signature.ts';

const timeout = 5_000;
let app: Lovage;
let heard: unknown[];
let note: Task<[what: unknown], void>;

beforeEach(async () => {
  app = new Lovage('signatures', { broker: 'memory://', logger: silentLogger });
  heard = [];
  note = app.task('note', (what: unknown) => void heard.push(what));
  await startWorker(app);
});
afterEach(() => app.close());

describe('callbacks that set() names', () => {
  it('are sent as those of link() and linkError()', async () => {
    const { add, fail } = canvasTasks(app);
    await add.s(1, 1).set({ link: note.s() }).call([], { timeout });
    await chain(add.s(1, 1).set({ link: [note.s(), note.si('second')] }), add.s(1)).call([], { timeout });
    const failing = await group(fail.s(), add.s(1, 1)).set({ linkError: note.s() }).delay();
    await failing.get({ timeout }).catch(() => undefined);
    await until(() => heard.length >= 4);
    expect(heard.sort()).toEqual([`${failing.id}.0`, 2, 2, 'second'].sort());
  });

  it('come back from JSON, and have to be signatures', () => {
    const { add } = canvasTasks(app);
    const linked = add.s(1, 1).set({ link: note.s(), queue: 'q' });
    expect(app.signature(JSON.parse(JSON.stringify(linked))).links).toMatchObject([{ task: 'note' }]);
    expect(linked.options).toEqual({ queue: 'q' });
    expect(() => add.s(1, 1).set({ link: note as never })).toThrow(/link: expected signatures.*call \.s\(\)/);
  });
});

describe('a canvas in which no task says which app sends it', () => {
  const { signal } = new AbortController();
  function* members(): Generator<AnySignature> {
    yield canvasTasks(app).add.s(1, 1);
  }

  it.each<[what: string, canvas: () => AnySignature]>([
    ['a group of gates', () => group(gate('a'), gate('b'))],
    ['a group of an empty chain', () => group([chain()])],
    ['a group of a group from a generator', () => group([group(members())])],
  ])('is refused: %s', async (_what, canvas) => {
    await expect(canvas().delay()).rejects.toThrow('no task in it');
    await expect(canvas().call([], { timeout, signal })).rejects.toThrow('no task in it');
  });

  it('is an empty list where it is only empty groups', async () => {
    for (const canvas of [group([]), group([group([]), group([])]), chain(group([]), group([]))]) {
      expect(await canvas.call([], { timeout })).toEqual([]);
      expect(await (await canvas.delay()).get({ timeout })).toEqual([]);
    }
  });

  it('is sent by the app of its link, which gets the empty list', async () => {
    await group([]).link(note.s()).call([], { timeout });
    await (await group([]).applyAsync([], { link: note.s() })).get({ timeout });
    await until(() => heard.length === 2);
    expect(heard).toEqual([[], []]);
  });
});

describe('an idempotency key', () => {
  const order = { id: 'o1' };
  const charge = () =>
    app.task({ name: 'charge', idempotencyKey: ([{ id }]) => id }, (given: { id: string }, to = '') => given.id + to);

  it('of a task is no hindrance to a canvas, whose steps have ids of their own', async () => {
    const { identity } = canvasTasks(app);
    const task = charge();
    expect(await chain(identity.si(order), task.s()).call([], { timeout })).toBe('o1');
    expect(await group([task.si(order), task.si(order, '!')]).call([], { timeout })).toEqual(['o1', 'o1!']);
  });

  it('counts for a call with callbacks as for one without', async () => {
    const { add } = canvasTasks(app);
    const task = charge();
    const ids = [await task.delay(order), await task.applyAsync([order], { link: note.s() })];
    ids.push(await task.si(order).link(note.s()).delay());
    expect(new Set(ids.map(({ id }) => id)).size).toBe(1);
    const keyed = { idempotencyKey: 'once', link: note.s() };
    const calls = [await add.applyAsync([1, 1], keyed), await add.s(1, 1).set(keyed).delay()];
    expect(calls[0]?.id).toBe(calls[1]?.id);
    expect(await calls[1]?.get({ timeout })).toBe(2);
  });

  it.each<[what: string, send: (step: AnySignature) => Promise<unknown>]>([
    ['a canvas', (step) => chain(step, step).applyAsync([], { idempotencyKey: 'k' })],
    ['a canvas with options', (step) => group([step]).set({ idempotencyKey: 'k' }).delay()],
    ['a step', (step) => chain(step.set({ idempotencyKey: 'k' }), step).delay()],
  ])('of %s is refused: it would name nothing', async (_what, send) => {
    await expect(send(canvasTasks(app).add.si(1, 1))).rejects.toThrow(
      /idempotencyKey "k" of a .*(give taskId to applyAsync|give the step a taskId)/,
    );
  });
});

describe('what cannot be sent is refused where it is said', () => {
  it('arguments that JSON would change, in a canvas as JSON and in one that replaces a task', async () => {
    const { add, identity } = canvasTasks(app);
    const broken = chain(identity.s({ list: [Number.NaN] }), identity.s());
    const refused = { name: 'PayloadNotSerializableError', path: 'args[0].list[0]' };
    expect(() => JSON.stringify(broken)).toThrow(expect.objectContaining(refused));
    const task = app.task({ name: 'replaced', bind: true }, (self) => self.replace(broken));
    await expect(task.call([], { timeout })).rejects.toMatchObject({ remoteName: 'PayloadNotSerializableError' });
    expect(JSON.parse(JSON.stringify(add.s(1, undefined as never)))).toMatchObject({ args: [1] });
  });

  it('a task in the place of a signature', async () => {
    const { add } = canvasTasks(app);
    const task = app.task({ name: 'replaced', bind: true }, (self) => self.replace(add as never));
    await expect(task.call([], { timeout })).rejects.toThrow(/self\.replace: expected signatures.*call \.s\(\)/);
  });

  it('a group from a generator that was read before; one from a set can be sent again', async () => {
    const { add, xsum } = canvasTasks(app);
    const once = group(
      (function* () {
        yield add.s(1, 1);
      })(),
    );
    expect(await once.call([], { timeout })).toEqual([2]);
    await expect(once.call([], { timeout })).rejects.toThrow('its generator was read before');
    await expect(once.pipe(xsum.s() as AnySignature).call([], { timeout })).rejects.toThrow('read before');
    const often = group(new Set([add.s(1, 1)]));
    for (let sent = 0; sent < 2; sent += 1) expect(await often.call([], { timeout })).toEqual([2]);
  });
});

it('a call that nobody wants any more is not sent', async () => {
  const { add } = canvasTasks(app);
  const signal = AbortSignal.abort();
  for (const canvas of [note.si('one'), chain(add.si(1, 1), note.si('two'))]) {
    await expect(canvas.call([], { signal })).rejects.toMatchObject({ name: 'AbortError' });
  }
  await note.call(['marker'], { timeout });
  expect(heard).toEqual(['marker']);
});

it('a canvas deeper than 500 levels is refused where it is made, one of 500 is not', () => {
  const { add } = canvasTasks(app);
  const nest = (levels: number): unknown => {
    let canvas: unknown = add.s(1, 1);
    for (let level = 1; level < levels; level++) canvas = group(canvas as never, add.s(1, 1));
    return canvas;
  };
  expect(JSON.stringify(nest(500)).length).toBeGreaterThan(500);
  expect(() => nest(501)).toThrow('nested deeper than 500 levels');
  expect(() => nest(5_000)).toThrow('nested deeper than 500 levels');
  const link = (levels: number): unknown => {
    let canvas = add.s(1, 1);
    for (let level = 1; level < levels; level++) canvas = add.s(1, 1).link(canvas as never);
    return canvas;
  };
  expect(() => link(501)).toThrow('nested deeper than 500 levels');
});
