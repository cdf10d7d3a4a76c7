import { expect } from 'vitest';
import type { Lovage } from '../../../app/app.ts';
import type { Task } from '../../../app/task-handle.ts';
import { chain } from '../../../canvas/chain.ts';
import { chord } from '../../../canvas/chord.ts';
import { group } from '../../../canvas/group.ts';
import type { AnySignature } from '../../../canvas/signature.ts';
import type { Scenario, ScenarioBench } from '../scenario-bench.ts';

const timeout = '20s';

/** The classic tasks of Celery's own canvas tests. */
export interface CanvasTasks {
  readonly add: Task<[x: number, y: number], number>;
  readonly identity: Task<[value: unknown], unknown>;
  readonly xsum: Task<[list: unknown], number>;
  readonly fail: Task<unknown[], never>;
}

/** Sums numbers and lists of them, however deep. */
function sum(value: unknown): number {
  return Array.isArray(value) ? value.reduce((total: number, item) => total + sum(item), 0) : Number(value);
}

export function canvasTasks(app: Lovage): CanvasTasks {
  return {
    add: app.task('add', (x: number, y: number) => x + y),
    identity: app.task('identity', (value: unknown) => value),
    xsum: app.task('xsum', (list: unknown) => sum(list)),
    fail: app.task('fail', (..._args: unknown[]): never => {
      throw new RangeError('it had to');
    }),
  };
}

/** A canvas and what it comes to. */
type Example = readonly [what: string, build: (tasks: CanvasTasks) => AnySignature, value: unknown];

const values: readonly Example[] = [
  ['a chain', ({ add }) => chain(add.s(4, 4), add.s(8), add.s(16)), 32],
  ['a pipe', ({ add }) => add.s(4, 4).pipe(add.s(8)).pipe(add.s(16)), 32],
  ['a chain of one', ({ add }) => chain(add.s(1, 2)), 3],
  ['an immutable step', ({ add }) => add.s(2, 2).pipe(add.si(1, 1)), 2],
  ['a group', ({ add }) => group([add.s(2, 2), add.s(4, 4)]), [4, 8]],
  ['a group of parameters', ({ add }) => group(add.s(2, 2), add.s(4, 4)), [4, 8]],
  ['a chord', ({ add, xsum }) => chord([add.s(2, 2), add.s(4, 4)], xsum.s()), 12],
  [
    'a group at the end of a chain',
    ({ identity }) => chain(identity.s(42), group(identity.s(), identity.s())),
    [42, 42],
  ],
  ['a lone group in a chain', ({ add }) => chain(group(add.s(1, 1), add.s(2, 2))), [2, 4]],
  [
    'a group in the middle of a chain, which is a chord',
    ({ add, identity, xsum }) => chain(identity.s(1), group(add.s(1), add.s(2)), xsum.s(), add.s(10)),
    15,
  ],
  [
    'two groups in a row',
    ({ add, identity, xsum }) => chain(group(add.s(1, 1), add.s(2, 2)), group(xsum.s(), identity.s()), xsum.s()),
    12,
  ],
  ['an empty group', () => group([]), []],
  ['a chord with an empty header', ({ xsum }) => chord([], xsum.s()), 0],
  ['a chord of nothing at all', () => chord([], group([])), []],
  ['empty groups one after another', () => chain(group([]), group([])), []],
  [
    'chords of one member and of none, in one another',
    ({ add, xsum }) =>
      chord([chord([], xsum.s()), chord([add.s(1, 1)], xsum.s()), chord([chord([], xsum.s())], xsum.s())], xsum.s()),
    2,
  ],
  [
    'members that ignore their results',
    ({ add, xsum }) => chord([add.s(1, 1).set({ ignoreResult: true }), add.s(2, 2)], xsum.s()),
    6,
  ],
  ['an empty group in a chain', ({ identity, xsum }) => chain(identity.s(5), group([]), xsum.s()), 0],
  ['a group of one', ({ add }) => group([add.s(1, 1)]), [2]],
  [
    'nested groups, which flatten',
    ({ identity }) => group(group(identity.s(11), group(identity.s(101))), identity.s(1001)),
    [11, 101, 1001],
  ],
  [
    'a group whose member is a chain that ends in a group, which keeps the inner list',
    ({ identity }) => group(identity.s(1), chain(identity.s(2), group(identity.s(), identity.s()))),
    [1, [2, 2]],
  ],
  [
    'a chord in the header of a chord',
    ({ add, xsum }) => chord([chord([add.s(1, 1), add.s(2, 2)], xsum.s()), add.s(3, 3)], xsum.s()),
    12,
  ],
  [
    'a chord in the body of a chord',
    ({ add, xsum, identity }) => chord([add.s(1, 1), add.s(2, 2)], chord([xsum.s(), identity.s()], xsum.s())),
    12,
  ],
  [
    'chains in header and body',
    ({ add, xsum }) => chord([chain(add.s(1, 1), add.s(1)), chain(add.s(2, 2), add.s(2))], chain(xsum.s(), add.s(100))),
    109,
  ],
  [
    'groups four deep',
    ({ identity, xsum }) =>
      group(
        chain(identity.s(1), group(chain(identity.s(), group(chain(identity.s(), group(identity.s())), xsum.s())))),
      ),
    [[[[1], 1]]],
  ],
  [
    'chords four deep',
    ({ add, xsum }) =>
      chord([chord([chord([chord([add.s(1, 1)], xsum.s())], xsum.s())], xsum.s()), add.s(1, 1)], xsum.s()),
    4,
  ],
  ['a map', ({ identity }) => identity.map([1, 'two', null]), [1, 'two', null]],
  [
    'a starmap',
    ({ add }) =>
      add.starmap([
        [1, 2],
        [3, 4],
      ]),
    [3, 7],
  ],
  [
    'chunks',
    ({ add }) =>
      add.chunks(
        [
          [1, 1],
          [2, 2],
          [3, 3],
        ],
        2,
      ),
    [[2, 4], [6]],
  ],
  [
    'chunks that are summed',
    ({ add, xsum }) =>
      add
        .chunks(
          [
            [1, 1],
            [2, 2],
            [3, 3],
          ],
          2,
        )
        .pipe(xsum.s()),
    12,
  ],
  ['a group from a generator', ({ add }) => group(generate(add)), [0, 2, 4]],
  ['a chord over an async generator', ({ add, xsum }) => chord(generateLater(add), xsum.s()), 6],
  ['a canvas from its JSON', ({ add, xsum }) => chord([add.s(2, 2), chain(add.s(4, 4), add.s(1))], xsum.s()), 13],
];

function* generate(add: CanvasTasks['add']): Generator<AnySignature> {
  for (let n = 0; n < 3; n++) yield add.s(n, n);
}

async function* generateLater(add: CanvasTasks['add']): AsyncGenerator<AnySignature> {
  for (let n = 0; n < 3; n++) yield add.s(n, n);
}

/** Canvases that cannot succeed: all of their waiters end at once. */
const failures: readonly (readonly [what: string, build: (tasks: CanvasTasks) => AnySignature])[] = [
  ['a failing first step', ({ fail, add }) => chain(fail.s(), add.s(1), add.s(2))],
  ['a failing step before a group', ({ add, fail }) => chain(add.s(1, 1), fail.s(), group(add.s(1), add.s(2)))],
  ['a failing last step', ({ add, fail }) => chain(add.s(1, 1), fail.s())],
  ['a failing member of a group', ({ add, fail }) => group(add.s(1, 1), fail.s())],
  ['a failing header', ({ add, fail, xsum }) => chord([add.s(1, 1), fail.s()], xsum.s())],
  ['a failing body', ({ add, fail }) => chord([add.s(1, 1), add.s(2, 2)], fail.s())],
  [
    'a chord in a group whose body is a chain that fails',
    ({ add, fail }) => group(chord([add.s(1, 1)], chain(fail.s(), add.s(1)))),
  ],
  [
    'a failing chain inside a header',
    ({ add, fail, xsum }) => chord([add.s(1, 1), chain(add.s(1, 1), fail.s(), add.s(1))], xsum.s()),
  ],
  [
    'a failing chord deep in a header, with steps behind each',
    ({ add, fail, xsum }) =>
      chain(
        chord([chain(chord([fail.s(), add.s(1, 1)], xsum.s()), add.s(1)), add.s(2, 2)], chain(xsum.s(), add.s(1))),
        group(add.s(1), chain(add.s(2), add.s(3))),
        xsum.s(),
      ),
  ],
];

const valueScenarios: readonly Scenario[] = values.map(([what, build, value]) => ({
  name: `canvas: ${what}`,
  async run(bench) {
    const { app, tasks } = await begin(bench);
    const canvas = what.includes('JSON') ? app.signature(JSON.parse(JSON.stringify(build(tasks)))) : build(tasks);
    expect(await canvas.call([], { timeout })).toEqual(value);
  },
}));

const failureScenarios: readonly Scenario[] = failures.map(([what, build]) => ({
  name: `canvas: ${what} ends its waiter with the original error`,
  async run(bench) {
    const { tasks } = await begin(bench);
    const error = await build(tasks)
      .call([], { timeout })
      .catch((caught: unknown) => caught);
    expect(original(error)).toMatchObject({ message: 'it had to' });
  },
}));

/** The error itself, or the one that it depended on. */
export function original(error: unknown): unknown {
  return (error as { remoteName?: string }).remoteName === 'DependencyFailedError' ? (error as Error).cause : error;
}

export async function begin(bench: ScenarioBench): Promise<{ readonly app: Lovage; readonly tasks: CanvasTasks }> {
  const app = bench.app();
  const tasks = canvasTasks(app);
  await bench.worker(app);
  return { app, tasks };
}

/** Chains, groups and chords, in every nesting. */
export const canvasScenarios: readonly Scenario[] = [...valueScenarios, ...failureScenarios];
