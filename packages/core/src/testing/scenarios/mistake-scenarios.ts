import { expect } from 'vitest';
import { type Scenario, settled } from './scenario-bench.ts';

const timeout = '20s';

/** An object whose property is a number at the first look, and none that JSON can carry from then on. */
function changing(): object {
  let looks = 0;
  return {
    get n() {
      looks += 1;
      return looks > 1 ? 1n : 1;
    },
  };
}

/** What handlers must not do, and what comes of it: one task fails by name, and nothing else is held up. */
export const mistakeScenarios: readonly Scenario[] = [
  {
    name: 'a value that changes between two looks ends its task by name, and holds up no other',
    async run(bench) {
      const app = bench.app({ maxResult: 1_000 });
      let looks = 0;
      const values: Record<string, () => unknown> = {
        changing,
        growing: () => ({
          get text() {
            looks += 1;
            return 'x'.repeat(looks > 1 ? 2_000 : 1);
          },
        }),
        ownText: () => Object.defineProperty([1], 'toJSON', { value: () => JSON.parse('{') }),
        revoked: () => {
          const { proxy, revoke } = Proxy.revocable({}, {});
          revoke();
          throw proxy;
        },
      };
      const work = app.task('work', (kind: string) => (values[kind] as () => unknown)());
      const add = app.task('add', (x: number, y: number) => x + y);
      const step = app.task('step', (value: unknown) => value);
      const tell = app.task({ name: 'tell', bind: true }, async (self) => {
        await self.progress(changing());
        return 'told';
      });
      await bench.worker(app);
      const end = (kind: string) => settled(work.call([kind], { timeout }));
      const ends = await Promise.all([...Object.keys(values).map(end), add.call([1, 2], { timeout })]);
      expect(ends[0]).toMatchObject({ message: expect.stringContaining('return value is a value that throws') });
      expect(ends[1]).toMatchObject({ message: expect.stringContaining('maxResult') });
      expect(ends[2]).toMatchObject({ message: expect.stringContaining('return value is a value that throws') });
      expect(ends[3]).toMatchObject({ message: 'a value that cannot be shown was thrown' });
      expect(ends[4]).toBe(3);
      const piped = work.s('changing').pipe(step.s());
      expect(await settled(piped.call([], { timeout }))).toMatchObject({ message: expect.stringContaining('throws') });
      expect(await settled(tell.call([], { timeout }))).toMatchObject({ message: expect.stringContaining('BigInt') });
      expect(await add.call([3, 4], { timeout })).toBe(7);
    },
  },
  {
    name: 'a programming error fails at once, also under autoretryFor: [Error]',
    async run(bench) {
      const app = bench.app({ maxResult: 100 });
      const runs: string[] = [];
      const once = (name: string, handler: () => unknown) =>
        app.task({ name, autoretryFor: [Error], retryBackoff: 1, maxRetries: 3 }, () => {
          runs.push(name);
          return handler();
        });
      const tasks = [once('date', () => ({ when: new Date(0) })), once('large', () => 'x'.repeat(200))];
      await bench.worker(app);
      const ends = await Promise.all(tasks.map((task) => settled(task.call([], { timeout }))));
      expect(ends[0]).toMatchObject({ message: expect.stringContaining('return value.when is an instance of Date') });
      expect(ends[1]).toMatchObject({ message: expect.stringContaining('maxResult') });
      expect(runs.sort()).toEqual(['date', 'large']);
    },
  },
  {
    name: 'a handler cannot set the state of an outcome before it has one',
    async run(bench) {
      const app = bench.app();
      const report = app.task({ name: 'report', bind: true }, async (self, state: string) => {
        await self.updateState(state);
        return 'the real result';
      });
      const bold = app.task({ name: 'bold', bind: true, autoretryFor: [Error] }, async (self, state: string) => {
        await self.updateState(state);
        return 'the real result';
      });
      await bench.worker(app);
      expect(await report.call(['UPLOADING'], { timeout })).toBe('the real result');
      const ends = await Promise.all(
        ['SUCCESS', 'FAILURE', 'REVOKED', ''].map((state) => settled(bold.call([state], { timeout }))),
      );
      for (const end of ends) expect(end).toMatchObject({ message: expect.stringContaining('self.updateState: ') });
    },
  },
  {
    name: 'values of too many parts are refused as too large, at once, on the way in and on the way out',
    async run(bench) {
      const app = bench.app();
      const twice = (levels: number): unknown => {
        let value: unknown = 1;
        for (let level = 0; level < levels; level++) value = [value, value];
        return value;
      };
      const echo = app.task('echo', (_: unknown) => 1);
      const grow = app.task('grow', (levels: number) => twice(levels));
      await bench.worker(app);
      for (const value of [twice(40), new Array(30_000_000), { a: { b: twice(40) } }]) {
        expect(await settled((async () => echo.delay(value))())).toMatchObject({ name: 'PayloadTooLargeError' });
      }
      expect(await settled(grow.call([40], { timeout }))).toMatchObject({
        message: expect.stringMatching(/^return value of task "grow" take more than \d+ bytes/),
      });
      expect(await grow.call([2], { timeout })).toEqual([
        [1, 1],
        [1, 1],
      ]);
    },
  },
  {
    name: 'a call that would expire before it starts is refused',
    async run(bench) {
      const app = bench.app();
      const plain = app.task('plain', () => 1);
      const short = app.task({ name: 'short', expires: '1s' }, () => 1);
      const soon = new Date(Date.now() + 60_000);
      for (const send of [
        () => plain.applyAsync([], { countdown: '3s', expires: '1s' }),
        () => plain.applyAsync([], { eta: soon, expires: soon }),
        () => short.applyAsync([], { countdown: '1s' }),
      ]) {
        expect(await settled((async () => send())())).toMatchObject({
          name: 'ConfigurationError',
          message: expect.stringContaining('so it could never run'),
        });
      }
    },
  },
];
