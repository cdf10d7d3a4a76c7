import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { drizzle } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import { Kysely, PostgresDialect } from 'kysely';
import { chain, chord, group, Lovage } from 'lovage';
import { startRelay, startWorker } from 'lovage/worker';
import type { PoolClient } from 'pg';
import postgresJs from 'postgres';
import { describe, expect, it } from 'vitest';
import { lovage, type Running, start } from '../../cli/test/run-cli.ts';
import { useRedis } from '../../redis/test/use-redis.ts';
import { connect, silent } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

/** `LOVAGE_LONG=1`: more rows and kills, and what it takes is printed. */
const long = process.env['LOVAGE_LONG'] === '1';
const patience = 120_000;

describe.skipIf(missingPostgres)('the outbox', () => {
  const postgres = usePostgres();
  const redis = useRedis();

  const createApp = async (broker = redis.server.url.replace('redis:', 'redis+streams:')) => {
    const prefix = `t${newTaskId()}`;
    const tables = connect(postgres.server.url, { prefix });
    await tables.schema?.migrate();
    await tables.close(5_000);
    const made = createSender(broker, prefix);
    return { ...made, prefix, broker };
  };
  const createSender = (broker: string, prefix: string) => {
    const app = new Lovage('shop', { broker, backend: postgres.server.url, prefix, logger: silent });
    postgres.endings.push(() => app.close());
    const runs: number[] = [];
    const add = app.task('add', (a: number, b: number) => a + b);
    const note = app.task('note', (number: number) => {
      runs.push(number);
      return number;
    });
    const sum = app.task('sum', (values: number[]) => values.reduce((one, other) => one + other, 0));
    return { app, add, note, sum, runs };
  };
  const work = async (app: Lovage): Promise<void> => {
    const worker = await startWorker(app, { concurrency: 50 });
    postgres.endings.push(() => worker.close());
  };
  const relay = async (app: Lovage): Promise<void> => {
    const started = await startRelay(app);
    postgres.endings.push(() => started.close());
  };
  const inTransaction = async <T>(work: (tx: PoolClient) => Promise<T>, end = 'COMMIT'): Promise<T> => {
    const client = await postgres.server.pool.connect();
    try {
      await client.query('BEGIN');
      const value = await work(client);
      await client.query(end);
      return value;
    } finally {
      client.release();
    }
  };

  it('sends what is committed, and nothing of what is rolled back; calls, their options, and canvases', async () => {
    const { app, add, note, sum, runs } = await createApp();
    await work(app);
    await relay(app);
    await inTransaction((tx) => app.outbox(tx).delay(note, 13), 'ROLLBACK');
    const results = await inTransaction(async (tx) => {
      const outbox = app.outbox(tx);
      return [
        await outbox.delay(add, 2, 3),
        await outbox.applyAsync(add, [1, 1], { countdown: 50, taskId: `order-${newTaskId()}` }),
        await outbox.send(chain(add.s(1, 2), add.s(10))),
        await outbox.send(chord([add.s(1, 1), add.s(2, 2)], sum.s())),
        await outbox.send(group([add.s(1, 1), add.s(2, 2)])),
        ...(await outbox.sendMany([note.si(1), note.si(2)])),
      ];
    });
    expect(results[1]?.id).toMatch(/^order-/);
    const values = await Promise.all(results.map((result) => result.get({ timeout: patience })));
    expect(values).toEqual([5, 2, 13, 6, [2, 4], 1, 2]);
    expect(runs.sort()).toEqual([1, 2]);
  });

  it('asks no broker when a call is written, and finds its mistakes then', async () => {
    const { prefix, broker } = await createApp();
    const { app, add } = createSender('redis://127.0.0.1:1', prefix);
    const result = await inTransaction((tx) => app.outbox(tx).delay(add, 2, 3));
    await inTransaction(async (tx) => {
      const outbox = app.outbox(tx);
      await expect(outbox.delay(add, 1n as unknown as number, 2)).rejects.toMatchObject({
        code: 'PAYLOAD_NOT_SERIALIZABLE',
      });
      const keyed = await outbox.applyAsync(add, [1, 2], { idempotencyKey: 'k' });
      expect((await outbox.applyAsync(add, [1, 2], { idempotencyKey: 'k' })).id).toBe(keyed.id);
      await expect(outbox.applyAsync(add, [1, 2], { taskId: '7' })).rejects.toThrow('cannot be a task id');
      await expect(outbox.send('add' as never)).rejects.toThrow('expected a signature or canvas');
      await expect(outbox.delay('add' as never)).rejects.toThrow('expected a task');
    });
    expect(() => app.outbox(undefined as never)).toThrow('expected the transaction');
    await expect(app.outbox({}).delay(add, 1, 2)).rejects.toThrow('expected a transaction of pg');
    await expect(startRelay(new Lovage('x', { broker: 'memory://' }))).rejects.toThrow('no database');
    const { app: other } = createSender(broker, prefix);
    await work(other);
    await relay(other);
    expect(await other.asyncResult(result.id).get({ timeout: patience })).toBe(5);
  });

  it('a row that is relayed again runs once; one under another id runs again: the test can fail', async () => {
    const { app, note, prefix, runs } = await createApp();
    await work(app);
    const first = await inTransaction((tx) => app.outbox(tx).delay(note, 7));
    const copy = (id: string) =>
      postgres.server.pool.query(
        `INSERT INTO "${prefix}".outbox (id, body) SELECT $1, replace(body, '${first.id}', $1) FROM saved`,
        [id],
      );
    await postgres.server.pool.query(`CREATE TABLE saved AS SELECT body FROM "${prefix}".outbox`);
    await relay(app);
    await first.get({ timeout: patience });
    await copy(first.id); // as of a relay that died before it committed
    const other = newTaskId();
    await copy(other);
    await app.asyncResult(other).get({ timeout: patience });
    const left = `SELECT 1 FROM "${prefix}".outbox`;
    await until(async () => (await postgres.server.pool.query(left)).rows.length === 0, { timeout: patience });
    const last = await inTransaction((tx) => app.outbox(tx).delay(note, 8));
    await last.get({ timeout: patience });
    expect(runs).toEqual([7, 7, 8]);
  });

  it('a row that cannot be sent is kept with its error, and the others go', async () => {
    const { app, note, prefix } = await createApp();
    await work(app);
    const results = await inTransaction(async (tx) => {
      await tx.query(
        `INSERT INTO "${prefix}".outbox (id, body) VALUES ('a', '{'), ('b', '{"kind":"task","message":{},"times":{}}')`,
      );
      return app.outbox(tx).sendMany([note.si(1), note.si(2)]);
    });
    await relay(app);
    await Promise.all(results.map((result) => result.get({ timeout: patience })));
    const kept = async () =>
      (await postgres.server.pool.query(`SELECT id, error FROM "${prefix}".outbox ORDER BY id`)).rows;
    await until(async () => (await kept()).length === 2, { timeout: patience });
    expect(await kept()).toEqual([
      { id: 'a', error: expect.stringContaining('MalformedMessageError') },
      { id: 'b', error: expect.stringContaining('MalformedMessageError') },
    ]);
  });

  it('takes transactions of postgres.js, Drizzle and Kysely', async () => {
    const { app, note, runs } = await createApp();
    await work(app);
    await relay(app);
    const { pool, url } = postgres.server;
    const sql = postgresJs(url, { max: 2 });
    postgres.endings.push(() => sql.end());
    const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
    const results = [
      await sql.begin((tx) => app.outbox(tx).delay(note, 1)),
      await drizzle({ client: pool }).transaction((tx) => app.outbox(tx).delay(note, 2)),
      await drizzleJs({ client: sql }).transaction((tx) => app.outbox(tx).delay(note, 3)),
      await kysely.transaction().execute((tx) => app.outbox(tx).delay(note, 4)),
    ];
    await Promise.all(results.map((result) => result.get({ timeout: patience })));
    expect(runs.sort()).toEqual([1, 2, 3, 4]);
  });

  it('kill -9 of relays and of PostgreSQL loses and doubles nothing', { timeout: 4 * patience }, async () => {
    const { app, note, runs, prefix, broker } = await createApp();
    const { pool, url } = postgres.server;
    await pool.query('CREATE TABLE orders (number integer)');
    await work(app);
    const args = ['relay', '--broker', broker, '--database', url, '--prefix', prefix, '--batch', '20'];
    let running: Running = start(args);
    const perBatch = 100;
    const rounds = long ? 20 : 3;
    let number = 0;
    for (let round = 1; round <= rounds; round += 1) {
      for (let row = 0; row < perBatch; row += 1) {
        const order = number++;
        const write = async (tx: PoolClient): Promise<void> => {
          await tx.query('INSERT INTO orders VALUES ($1)', [order]);
          await app.outbox(tx).delay(note, order);
        };
        await inTransaction(write, order % 10 === 9 ? 'ROLLBACK' : 'COMMIT');
      }
      const before = runs.length;
      await until(() => runs.length > before || runs.length >= number * 0.9, {
        timeout: patience,
        what: 'a relay at work',
      });
      running.kill('SIGKILL');
      await running.ended;
      if (round % 3 === 2) {
        await postgres.server.kill();
        await postgres.server.launch();
      }
      running = start(args);
    }
    const committed = (await pool.query('SELECT number FROM orders ORDER BY 1')).rows.map(
      (row) => row.number as number,
    );
    await until(() => runs.length >= committed.length, {
      timeout: patience,
      what: () => `${committed.length} runs, ${runs.length} so far`,
    });
    const left = `SELECT 1 FROM "${prefix}".outbox`;
    await until(async () => (await pool.query(left)).rows.length === 0, { timeout: patience });
    const last = await inTransaction((tx) => app.outbox(tx).delay(note, -1)); // behind all others
    await last.get({ timeout: patience });
    running.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    expect(runs.filter((one) => one >= 0).sort((a, b) => a - b)).toEqual(committed);
  });

  it('lovage relay says what is missing', async () => {
    const { code, stderr } = await lovage(['relay', '--broker', redis.server.url, '--backend', 'memory://']);
    expect(stderr).toContain('no database');
    expect(code).not.toBe(0);
  });

  it.runIf(long)(
    'prints rows relayed a second, and how long a commit takes to start its task',
    { timeout: 4 * patience },
    async () => {
      const { app, note, runs, prefix } = await createApp();
      const rows = 40_000;
      const list = Array.from({ length: rows }, (_, index) => note.si(index));
      await inTransaction((tx) => app.outbox(tx).sendMany(list));
      const started = performance.now();
      await relay(app);
      const left = `SELECT 1 FROM "${prefix}".outbox LIMIT 1`;
      await until(async () => (await postgres.server.pool.query(left)).rows.length === 0, { timeout: patience });
      const rate = rows / ((performance.now() - started) / 1_000);
      await work(app);
      await until(() => runs.length === rows, { timeout: patience });
      const times: number[] = [];
      const moment = app.task('moment', () => performance.now());
      for (let index = 0; index < 200; index += 1) {
        const result = await inTransaction((tx) => app.outbox(tx).delay(moment));
        const committed = performance.now();
        times.push((await result.get({ timeout: patience })) - committed);
      }
      times.sort((a, b) => a - b);
      process.stdout.write(
        `outbox: ${Math.round(rate)} rows/s, commit to start p50 ${times[100]?.toFixed(1)} ms, p99 ${times[198]?.toFixed(1)} ms\n`,
      );
    },
  );
});
