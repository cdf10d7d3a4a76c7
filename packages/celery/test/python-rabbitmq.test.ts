import { setTimeout as delay } from 'node:timers/promises';
import { chain, group, Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { Connection } from 'rabbitmq-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { celeryAmqpDriver, celeryRedisDriver } from '../src/driver.ts';
import { missingCelery, PythonShell, type PythonWorker, startPythonWorker } from './python-celery.ts';
import { missingRabbitmq, RabbitmqServer } from './rabbitmq-server.ts';

/** Of what other processes do, on a busy machine too. */
const patience = 120_000;
const wait = { timeout: patience } as const;
const missing = missingCelery ?? missingRabbitmq;

describe.skipIf(missing !== undefined)(
  `beside Python's Celery on RabbitMQ${missing ? `: ${missing}` : ''}`,
  { timeout: 180_000 },
  () => {
    let server: RabbitmqServer;
    let worker: PythonWorker;
    let python: PythonShell;
    let app: Lovage;
    const ts = { queue: 'ts' } as const;
    const ran = new Map<number, number>();

    const open = (broker: string): Lovage =>
      new Lovage('ts', { broker, drivers: [celeryAmqpDriver, celeryRedisDriver], logLevel: 'silent' });

    beforeAll(async () => {
      server = await RabbitmqServer.start();
      const settings = { BROKER: server.url, BACKEND: 'rpc://' };
      python = new PythonShell(settings);
      app = open(`celery+${server.url}`);
      app.task('js.add', (x: number, y: number) => x + y);
      app.task('js.count', (index: number) => void ran.set(index, (ran.get(index) ?? 0) + 1));
      [worker] = await Promise.all([
        startPythonWorker(settings, ['-P', 'solo']),
        startWorker(app, { queues: ['ts'], name: 'ts@host', concurrency: 4 }),
      ]);
    }, 180_000);

    afterAll(async () => {
      python?.stop();
      await app?.close();
      await worker?.kill();
      await server?.stop();
    });

    it('calls and answers both ways, and carries chains and groups', async () => {
      const add = app.remote<(x: number, y: number) => number>('py.add');
      const own = app.remote<(x: number, y: number) => number>('js.add');
      expect(await add.call([2, 3], wait)).toBe(5);
      expect(await chain(add.s(1, 2), own.s(10).set(ts), add.s(100)).call([], wait)).toBe(113);
      expect(await group([add.s(1, 2), own.s(10, 1).set(ts)]).call([], wait)).toEqual([3, 11]);
      expect(await python.ask("app.send_task('js.add', (2, 3), queue='ts').get(timeout=120)")).toBe(5);
      await expect(app.remote('py.fail').call([], wait)).rejects.toThrow('bad, 42');
      const pickled = "app.send_task('js.add', (2, 3), queue='ts', serializer='pickle').get(timeout=120)";
      await expect(python.ask(pickled)).rejects.toThrow('pickle is never decoded');
    });

    it("answers Celery's questions", async () => {
      const ping = "app.control.inspect(destination=['ts@host'], timeout=120, limit=1).ping()";
      expect(await python.ask(ping)).toEqual({ 'ts@host': { ok: 'pong' } });
    });

    it('holds tasks that wait for their time beside its slots', async () => {
      const own = app.remote<(x: number, y: number) => number>('js.add');
      for (let index = 0; index < 12; index++) await own.applyAsync([index, 1], { ...ts, countdown: '10m' });
      expect(await own.call([2, 3], { ...ts, ...wait })).toBe(5);
    });

    it('names refused credentials, and a virtual host that is not there', async () => {
      for (const [url, problem] of [
        [`celery+amqp://guest:wrong@127.0.0.1:${server.port}//`, /refused the credentials/],
        [`celery+amqp://guest:guest@127.0.0.1:${server.port}/nowhere`, /no virtual host "nowhere"/],
      ] as const) {
        const stranger = open(url);
        await expect(stranger.sendTask('js.add', [1, 2])).rejects.toThrow(problem);
        await stranger.close();
      }
    });

    it('declares a queue anew that somebody deletes, and loses nothing sent to it', async () => {
      const looker = new Connection(server.url.replace(/\/\/$/, '/%2f'));
      try {
        const own = app.remote<(x: number, y: number) => number>('js.add', { ignoreResult: true });
        const there = async () => (await looker.queueDeclare({ queue: 'idle', passive: true })).messageCount;
        await own.applyAsync([1, 1], { queue: 'idle' });
        await expect.poll(there, { timeout: patience }).toBe(1);
        await looker.queueDelete('idle');
        await Promise.all([own.applyAsync([2, 2], { queue: 'idle' }), own.applyAsync([3, 3], { queue: 'idle' })]);
        await expect.poll(there, { timeout: patience }).toBe(2);
      } finally {
        await looker.close();
      }
    });

    it('loses nothing when RabbitMQ is killed under load and comes again', async () => {
      const count = app.remote<(index: number) => void>('js.count', { ignoreResult: true });
      const numbers = Array.from({ length: 300 }, (_, index) => index);
      const send = async (index: number): Promise<void> => {
        for (;;) {
          const sent = await count.applyAsync([index], ts).catch(() => undefined);
          if (sent) return;
          await delay(50);
        }
      };
      const half = numbers.slice(0, 150).map(send);
      await Promise.all(half.slice(0, 50));
      await server.kill();
      const rest = [...half, ...numbers.slice(150).map(send)];
      await server.launch();
      await Promise.all(rest);
      // a failure shows what RabbitMQ still has, and whether anybody consumes it
      const looker = new Connection(server.url.replace(/\/\/$/, '/%2f'));
      const look = async () => ({ ran: ran.size, ...(await looker.queueDeclare({ queue: 'ts', passive: true })) });
      try {
        await expect.poll(look, { timeout: patience, interval: 250 }).toMatchObject({ ran: numbers.length });
      } finally {
        await looker.close();
      }
    });
  },
);
