import { fileURLToPath } from 'node:url';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { Lovage } from 'lovage';
import { describe, expect, it } from 'vitest';
import { type Running, start } from '../../cli/test/run-cli.ts';
import { useRedis } from '../../redis/test/use-redis.ts';
import { connect, silent } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

/** `LOVAGE_LONG=1`: as many as the promise is made for. */
const long = process.env['LOVAGE_LONG'] === '1';
const patience = 240_000;

describe.skipIf(missingPostgres)('effects of tasks whose workers are killed', () => {
  const postgres = usePostgres();
  const redis = useRedis();

  /** Sends so many bookings, kills workers, the last time PostgreSQL too, and tells what is in the ledger when all have ended. */
  const book = async (guarded: boolean, { tasks, kills }: { tasks: number; kills: number }) => {
    const { pool, url } = postgres.server;
    await pool.query('DROP TABLE IF EXISTS runs, bookings, account');
    await pool.query('CREATE TABLE runs (number integer)');
    await pool.query('CREATE TABLE bookings (number integer)');
    await pool.query('CREATE TABLE account AS SELECT 0 AS balance');
    const prefix = `t${newTaskId()}`;
    const tables = connect(url, { prefix });
    await tables.schema?.migrate();
    await tables.close(5_000);
    const broker = redis.server.url.replace('redis:', 'redis+streams:');
    const app = new Lovage('bank', { broker, prefix, backend: url, logger: silent });
    postgres.endings.push(() => app.close());
    const env = { BANK_DATABASE: url, BANK_BROKER: broker, BANK_SCHEMA: prefix };
    const cwd = fileURLToPath(new URL('./fixtures', import.meta.url));
    const times = ['--lock-duration', '2s', '--stalled-interval', '1s', '--crash-budget', '1000'];
    const work = (): Running => start(['worker', '-A', './bank.mjs', '-c', '20', ...times], { env, cwd });
    const runs = async (): Promise<number> => (await pool.query('SELECT 1 FROM runs')).rows.length;

    const task = app.task('book', (number: number, _guarded: boolean) => number);
    const results = await task.delayMany(Array.from({ length: tasks }, (_, n): [number, boolean] => [n, guarded]));
    let worker = work();
    for (let kill = 1; kill <= kills; kill += 1) {
      const before = await runs();
      await until(async () => (await runs()) >= before + 20, { timeout: patience, what: 'the worker to run tasks' });
      worker.kill('SIGKILL');
      await worker.ended;
      if (guarded && kill === kills) {
        await postgres.server.kill();
        worker = work(); // meets a database that is away
        await postgres.server.launch();
      } else worker = work();
    }
    await Promise.all(results.map((result) => result.get({ timeout: patience })));
    worker.kill('SIGTERM');
    await worker.ended;
    const { rows } = await pool.query(
      'SELECT count(*)::int AS all, count(DISTINCT number)::int AS different, (SELECT balance FROM account) FROM bookings',
    );
    return { ...(rows[0] as { all: number; different: number; balance: number }), runs: await runs() };
  };

  it('are there once each, with self.once', { timeout: 2 * patience }, async () => {
    const tasks = long ? 1_000 : 100;
    const ledger = await book(true, { tasks, kills: long ? 10 : 1 });
    expect(ledger).toMatchObject({ all: tasks, different: tasks, balance: tasks });
    expect(ledger.runs).toBeGreaterThan(tasks); // else nothing was tried
  });

  it('are doubled without it: the test can fail', { timeout: 2 * patience }, async () => {
    const ledger = await book(false, { tasks: 40, kills: 1 });
    expect(ledger.different).toBe(40);
    expect(ledger.all).toBeGreaterThan(40);
  });
});
