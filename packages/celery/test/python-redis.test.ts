import { chain, chord, group, Lovage, TaskFailedError } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { celeryRedisDriver } from '../src/driver.ts';
import { missingCelery, PythonError, PythonShell, type PythonWorker, startPythonWorker } from './python-celery.ts';

/** 5.2 has no tagged values: what JSON has no form for is an EncodeError there. */
const is52 = process.env['LOVAGE_CELERY_VERSION']?.startsWith('5.2') ?? false;
/** Of what other processes do, on a busy machine too. */
const patience = 120_000;
const wait = { timeout: patience } as const;

/** One Redis, one worker of each language, and a Python to ask: for all tests of the file. */
describe.skipIf(missingCelery !== undefined)(
  `beside Python's Celery on Redis${missingCelery ? `: ${missingCelery}` : ''}`,
  { timeout: 180_000 },
  () => {
    let server: RedisServer;
    let worker: PythonWorker;
    let python: PythonShell;
    let app: Lovage;
    const ts = { queue: 'ts' } as const;

    const calls = () => {
      const ts = { queue: 'ts' } as const;
      return {
        add: app.remote<(x: number, y: number) => number>('py.add'),
        sum: app.remote<(values: number[]) => number>('py.tsum'),
        echo: app.remote('py.echo', {
          args: z.tuple([z.number()]),
          kwargs: z.object({ z: z.number() }),
          returns: z.json(),
        }),
        fail: app.remote<() => never>('py.fail'),
        kinds: app.remote<() => unknown>('py.kinds'),
        floats: app.remote<() => number[]>('py.floats'),
        types: app.remote<(value: unknown) => string>('py.types'),
        tsAdd: app.remote<(x: number, y: number) => number>('js.add'),
        tsSum: () => app.remote<(values: number[]) => number>('js.tsum').s().set(ts),
      };
    };

    beforeAll(async () => {
      server = await RedisServer.start();
      const settings = { BROKER: server.url };
      python = new PythonShell(settings);
      const broker = server.url.replace('redis:', 'celery+redis:');
      app = new Lovage('ts', { broker, drivers: [celeryRedisDriver], logLevel: 'error' });
      app.task('js.add', (x: number, y: number) => x + y);
      app.task('js.tsum', (values: number[]) => values.reduce((sum, value) => sum + value, 0));
      app.task({ name: 'js.named', params: ['x', 'y'] }, (x: number, y: number) => [x, y]);
      app.task({ name: 'js.again', bind: true, maxRetries: 3 }, (self) =>
        self.retries < 2 ? self.retry({ countdown: 0.01 }) : self.retries,
      );
      app.task('js.fail', () => {
        throw Object.assign(new Error('no good'), { name: 'Boom' });
      });
      [worker] = await Promise.all([
        startPythonWorker(settings, ['-P', 'solo']),
        startWorker(app, { queues: ['ts'], name: 'ts@host' }),
      ]);
    }, 180_000);

    afterAll(async () => {
      python?.stop();
      await app?.close();
      await worker?.kill();
      await server?.stop();
    });

    describe('TypeScript calls Python', () => {
      it('with arguments, keyword arguments and typed results', async () => {
        const { add, echo } = calls();
        expect(await add.call([2, 3], wait)).toBe(5);
        expect(await echo.call([1], { kwargs: { z: 3 }, ...wait })).toEqual({ args: [1], kwargs: { z: 3 } });
        await expect(echo.applyAsync([1], { kwargs: { z: 'no' } })).rejects.toThrow('z: ');
      });

      it('and catches its errors, with their class and traceback', async () => {
        const error = await calls()
          .fail.call([], wait)
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(TaskFailedError);
        expect(error).toMatchObject({ remoteName: 'ValueError', message: 'bad, 42' });
        expect((error as TaskFailedError).remoteStack).toContain('proj.py');
      });

      it.skipIf(is52)('and reads what JSON has no form for', async () => {
        const { kinds, floats } = calls();
        expect(await kinds.call([], wait)).toEqual({
          datetime: '2026-01-02T03:04:05+00:00',
          date: '2026-01-02',
          time: '01:02:03',
          uuid: '12345678-1234-5678-1234-567812345678',
          decimal: '1.50',
          bytes: 'YWJj',
        });
        expect(await floats.call([], wait)).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]);
      });

      it.skipIf(is52)('and writes it too, where it says so', async () => {
        const { types } = calls();
        const moment = { __type__: 'datetime', __value__: '2026-01-02T03:04:05+00:00' };
        expect(await types.call([moment], wait)).toBe('datetime');
        await expect(types.delay({ __type__: 'nope', __value__: 1 })).rejects.toThrow('Python');
      });
    });

    describe('Python calls TypeScript', () => {
      const send = (name: string, rest: string): Promise<unknown> =>
        python.ask(`app.send_task('${name}', ${rest}, queue='ts').get(timeout=120)`);

      it('with arguments, and keyword arguments at their places', async () => {
        expect(await send('js.add', '(2, 3)')).toBe(5);
        expect(await send('js.named', "(1,), {'y': 2}")).toEqual([1, 2]);
        await expect(send('js.named', "(1,), {'w': 2}")).rejects.toThrow('no such keyword argument');
      });

      it('and catches its errors by name and message', async () => {
        const error = await send('js.fail', '()').catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(PythonError);
        expect(error).toMatchObject({ type: 'Boom', message: 'no good' });
      });

      it.each([
        ['a countdown', 'countdown=0.2'],
        ['a priority', 'priority=5'],
        ['compression', "compression='zlib'"],
        ['limits', 'time_limit=9, soft_time_limit=5'],
      ])('with %s', async (_what, option) => {
        expect(await send('js.add', `(2, 3), ${option}`)).toBe(5);
      });

      it('which retries under the same id', async () => {
        expect(await send('js.again', '()')).toBe(2);
      });

      it('whose expired and pickled calls end', async () => {
        await expect(send('js.add', '(2, 3), expires=-1')).rejects.toMatchObject({ type: 'TaskRevokedError' });
        await expect(send('js.add', "(2, 3), serializer='pickle'")).rejects.toThrow('pickle is never decoded');
      });
    });

    describe('remote control', () => {
      it("answers Celery's questions and obeys its commands", async () => {
        const ask = (call: string) =>
          python.ask(`app.control.inspect(destination=['ts@host'], timeout=120, limit=1).${call}`);
        expect(await ask('ping()')).toEqual({ 'ts@host': { ok: 'pong' } });
        expect(await ask('registered()')).toMatchObject({ 'ts@host': expect.arrayContaining(['js.add']) });
        expect(await ask('stats()')).toMatchObject({ 'ts@host': { pid: process.pid, pool: { 'max-concurrency': 8 } } });
        expect(await ask('active_queues()')).toMatchObject({ 'ts@host': [{ name: 'ts' }] });
        const id = await python.ask("app.send_task('js.add', (1, 1), queue='ts', countdown=60).id");
        await expect
          .poll(() => ask('scheduled()'), { timeout: patience })
          .toMatchObject({ 'ts@host': [{ request: { id, args: [1, 1] } }] });
        await python.ask(`app.control.revoke('${String(id)}')`);
        await expect(python.ask(`app.AsyncResult('${String(id)}').get(timeout=120)`)).rejects.toMatchObject({
          type: 'TaskRevokedError',
        });
        expect(
          await python.ask(
            "app.control.rate_limit('nope', '1/s', destination=['ts@host'], reply=True, limit=1, timeout=120)",
          ),
        ).toEqual([{ 'ts@host': { error: 'this worker has no task "nope"' } }]);
      });

      it("asks Python's workers, and takes their tasks back", async () => {
        const timeout = '1s';
        const pings = async () => Object.values(await app.inspect.ping({ timeout }));
        await expect.poll(pings, { timeout: patience }).toEqual(['pong', 'pong']);
        const tasks = async () =>
          Object.entries(await app.inspect.registered({ timeout })).find(([name]) => name.startsWith('celery@'))?.[1];
        await expect.poll(tasks, { timeout: patience }).toContain('py.add');
        const waiting = await calls().add.applyAsync([1, 1], { countdown: '60s' });
        await waiting.revoke();
        await expect(waiting.get(wait)).rejects.toThrow('revoked');
        await expect.poll(() => worker.log(), { timeout: patience }).toContain(`revoked: ${waiting.id}`);
      });
    });

    it('events of both sides are heard on both', async () => {
      await app.control.enableEvents({ timeout: '1s' });
      const heard: string[] = [];
      const subscription = await app.events.on('task.succeeded', ({ task }) => void heard.push(task));
      await calls().add.call([1, 2], wait);
      await python.ask("app.send_task('js.add', (1, 2), queue='ts').get(timeout=120)");
      await expect.poll(() => [...heard].sort(), { timeout: patience }).toEqual(['js.add', 'py.add']);
      await subscription.close();
    });

    describe('canvases across both', () => {
      it('sent from TypeScript', async () => {
        const { add, sum, tsAdd, tsSum } = calls();
        expect(await chain(add.s(1, 2), tsAdd.s(10).set(ts), add.s(100)).call([], wait)).toBe(113);
        expect(await group([add.s(1, 2), tsAdd.s(10, 1).set(ts)]).call([], wait)).toEqual([3, 11]);
        const header = [add.s(1, 2), tsAdd.s(10, 1).set(ts), chain(add.s(1, 1), tsAdd.s(1).set(ts))];
        expect(await chord(header, tsSum()).call([], wait)).toBe(17);
        expect(await chord(header, sum.s()).call([], wait)).toBe(17);
        const failing = await chord([add.s(1, 2), calls().fail.s()], tsSum()).delay();
        await expect(failing.get(wait)).rejects.toThrow("raised ValueError('bad', 42)");
      });

      it('sent from Python', async () => {
        const ts = (name: string, args = '') => `app.signature('${name}', args=(${args}), queue='ts')`;
        const answers = await Promise.all(
          [
            `chain(${ts('js.add', '1, 2')}, add.s(10), ${ts('js.add', '100,')})()`,
            `group(${ts('js.add', '1, 2')}, add.s(10, 1))()`,
            `chord([${ts('js.add', '1, 2')}, add.s(10, 1)])(${ts('js.tsum')})`,
            `chord([${ts('js.add', '1, 2')}, chord([${ts('js.add', '1, 1')}, add.s(1, 1)], ${ts('js.tsum')})])(tsum.s())`,
            `chain(${ts('js.add', '1, 2')}, group(${ts('js.add', '1,')}, add.s(1)), ${ts('js.tsum')}, ${ts('js.add', '5,')})()`,
          ].map((canvas) => python.ask(`${canvas}.get(timeout=120)`)),
        );
        expect(answers).toEqual([113, [3, 11], 14, 7, 13]);
      });
    });
  },
);
