import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { chain } from '../canvas/chain.ts';
import { silentLogger } from '../logger.ts';
import { startWorker } from '../worker.ts';

let app: Lovage;
beforeEach(() => {
  app = new Lovage('options', { broker: 'memory://', logger: silentLogger, maxPayload: 1_000 });
});
afterEach(() => app.close());

describe('headers and stamps', () => {
  it.each([
    ['headers', { when: new Date(0) }, 'headers.when'],
    ['headers', { list: [1n] }, 'headers.list[0]'],
    ['stamps', { deep: { map: new Map() } }, 'stamps.deep.map'],
    ['stamps', { n: Number.NaN }, 'stamps.n'],
  ])('%s that JSON would change are refused at the call: %#', async (option, fields, path) => {
    const task = app.task('t', () => 1);
    const refused = { name: 'PayloadNotSerializableError', path };
    await expect(task.applyAsync([], { [option]: fields })).rejects.toMatchObject(refused);
    await expect(chain(task.s(), task.si()).applyAsync([], { [option]: fields })).rejects.toMatchObject(refused);
    await expect(task.delayMany([[]], { [option]: fields })).rejects.toMatchObject(refused);
  });

  it('are bounded as arguments are', async () => {
    const task = app.task('t', () => 1);
    await expect(task.applyAsync([], { headers: { text: 'x'.repeat(1_001) } })).rejects.toMatchObject({
      name: 'PayloadTooLargeError',
      message: expect.stringContaining('headers of a call of task "t" take 1012 bytes'),
    });
  });
});

it.each([
  ['eta', { eta: new Date('2100-01-01') }],
  ['eta', { eta: '2345-06-07T00:00:00Z' }],
  ['countdown', { countdown: '40000d' }],
])('a moment that marks a message as held is refused at the call: %s', async (option, options) => {
  const task = app.task('t', () => 1);
  const refused = `call of "t": ${option}: expected a moment before 2100-01-01T00:00:00.000Z`;
  await expect(task.applyAsync([], options)).rejects.toThrow(refused);
  await task.applyAsync([], { eta: new Date('2099-12-31T23:59:59Z') });
});

it('arguments that are no list are refused at the call', async () => {
  const task = app.task('t', (n: number) => n);
  const refused =
    /arguments of task "t": expected a list, as in applyAsync\(\[2, 3\]\).*received (number|undefined|object)/;
  await expect(task.applyAsync(5 as never)).rejects.toThrow(refused);
  await expect(task.applyAsync(undefined as never)).rejects.toThrow(refused);
  await expect(task.call({ n: 5 } as never)).rejects.toThrow(refused);
  await expect(task.delayMany([5] as never)).rejects.toThrow(refused);
  await expect(app.sendTask('other', 5 as never)).rejects.toThrow('arguments of task "other"');
});

it('what one call alone can have is refused for many', async () => {
  const task = app.task('t', (n: number) => n);
  const signature = task.s();
  for (const options of [{ taskId: 'a' }, { idempotencyKey: 'a' }, { link: signature }, { linkError: signature }]) {
    await expect(task.delayMany([[1], [2]], options as never)).rejects.toThrow(
      `delayMany of "t": option ${Object.keys(options)[0]} is of one call`,
    );
  }
});

describe('of several moments at which a caller stops waiting, the nearest counts', () => {
  const seconds = async (work: Promise<number | null>): Promise<number> => Math.round(((await work) ?? 0) / 1_000);

  it.each([
    ['20s', '50s', 20],
    ['50s', '20s', 20],
  ])('timeout %s, deadline %s', async (timeout, deadline, expected) => {
    const left = app.task({ name: 'left', bind: true }, (self) => self.remaining() ?? null);
    await startWorker(app);
    expect(await seconds(left.call([], { timeout, deadline }))).toBe(expected);
    expect(await seconds(chain(left.si(), left.si()).call([], { timeout, deadline }))).toBe(expected);
  });

  it('also inside a task that somebody waits for', async () => {
    const left = app.task({ name: 'left', bind: true }, (self) => self.remaining() ?? null);
    const outer = app.task('outer', async () => [
      await seconds(left.call([], { deadline: '5s' })),
      await seconds(left.call([], { deadline: new Date(Date.now() + 6_000), timeout: '9s' })),
      await seconds(left.call([], { deadline: '9s', timeout: '7s' })),
      await seconds(left.call([], { deadline: '1h' })),
    ]);
    await startWorker(app);
    expect(await outer.call([], { timeout: '30s' })).toEqual([5, 6, 7, 30]);
  });
});
