import { newTaskId } from '@lovage/core/driver';
import { deferred, until } from '@lovage/core/testing';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js';
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely';
import { Lovage } from 'lovage';
import postgresJs from 'postgres';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { once } from '../src/index.ts';
import { connect } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

describe.skipIf(missingPostgres)('once', () => {
  const postgres = usePostgres();
  const schema = `t${newTaskId()}`;
  beforeAll(async () => {
    const connection = connect(postgres.server.url, { prefix: schema });
    await connection.schema?.migrate();
    await connection.close(5_000);
    await postgres.server.pool.query('CREATE TABLE effects (who text)');
  }, 60_000);

  const count = async (who: string): Promise<number> =>
    (await postgres.server.pool.query('SELECT 1 FROM effects WHERE who = $1', [who])).rows.length;
  const mark = (step = 'pay') => ({ taskId: newTaskId(), step, schema });

  it('commits the effect with its mark, and gives back what it returned', async () => {
    const { pool } = postgres.server;
    const done = mark();
    let runs = 0;
    const pay = () =>
      once(pool, done, async (tx) => {
        runs += 1;
        await tx.query("INSERT INTO effects VALUES ('pg')");
        return { charge: `c'\\${runs}\0`, at: [1, null] };
      });
    expect(await pay()).toEqual({ charge: "c'\\1\0", at: [1, null] });
    expect(await pay()).toEqual({ charge: "c'\\1\0", at: [1, null] });
    expect([runs, await count('pg')]).toEqual([1, 1]);
    expect(await once(pool, { ...done, step: 'other' }, () => undefined)).toBeUndefined();
    expect(await once(pool, { ...done, step: 'other' }, () => 5)).toBeUndefined();
  });

  it('what throws leaves neither, and is run again', async () => {
    const { pool } = postgres.server;
    const done = mark();
    const work = (fails: boolean) =>
      once(pool, done, async (tx) => {
        await tx.query("INSERT INTO effects VALUES ('throws')");
        if (fails) throw new TypeError('no');
      });
    await expect(work(true)).rejects.toThrow('no');
    expect(await count('throws')).toBe(0);
    await work(false);
    expect(await count('throws')).toBe(1);
  });

  it('one that runs at the same time is waited for', async () => {
    const { pool } = postgres.server;
    const done = mark();
    const [entered, released] = [deferred<void>(), deferred<void>()];
    const first = once(pool, done, async () => {
      entered.resolve();
      await released.promise;
      return 'first';
    });
    await entered.promise;
    const second = once(pool, done, () => 'second');
    const waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%effects%'";
    await until(async () => (await pool.query(waits)).rows.length > 0, { timeout: 60_000 });
    released.resolve();
    expect(await Promise.all([first, second])).toEqual(['first', 'first']);
  });

  it('takes the databases of postgres.js, Drizzle and Kysely', async () => {
    const { pool, url } = postgres.server;
    const sql = postgresJs(url, { max: 2, onnotice: () => {} });
    postgres.endings.push(() => sql.end());
    const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
    const value = { text: `it's "\\ $1 \0 ž`, list: [1] };
    const insert = (who: string) => `INSERT INTO effects VALUES ('${who}')`;
    const ways = {
      'postgres.js': (done: ReturnType<typeof mark>) =>
        once(sql, done, async (tx) => {
          await tx.unsafe(insert('postgres.js'));
          return value;
        }),
      drizzle: (done: ReturnType<typeof mark>) =>
        once(drizzle({ client: pool }), done, async (tx) => {
          await tx.execute(drizzleSql.raw(insert('drizzle')));
          return value;
        }),
      'drizzle on postgres.js': (done: ReturnType<typeof mark>) =>
        once(drizzleJs({ client: sql }), done, async (tx) => {
          await tx.execute(drizzleSql.raw(insert('drizzle on postgres.js')));
          return value;
        }),
      kysely: (done: ReturnType<typeof mark>) =>
        once(kysely, done, async (tx) => {
          await kyselySql.raw(insert('kysely')).execute(tx);
          return value;
        }),
    };
    for (const [name, work] of Object.entries(ways)) {
      const done = mark();
      expect(await work(done), name).toEqual(value);
      expect(await work(done), name).toEqual(value);
      expect(await count(name), name).toBe(1);
    }
  });

  it('says what is missing', async () => {
    const { pool } = postgres.server;
    const refusal = { code: 'CONFIGURATION', message: expect.stringContaining('lovage db migrate') };
    await expect(once(pool, { taskId: 't', step: 's', schema: 'nowhere' }, () => 1)).rejects.toMatchObject(refusal);
    await expect(once({}, mark(), () => 1)).rejects.toThrow('expected a pool or database of pg');
    await expect(once(pool, mark(''), () => 1)).rejects.toThrow('the step is a non-empty string');
  });

  it('is part of self, which knows the types of the databases', async () => {
    const { pool, url } = postgres.server;
    const app = new Lovage('shop', { broker: 'memory://', prefix: schema });
    postgres.endings.push(() => app.close());
    const sql = postgresJs(url, { max: 1 });
    postgres.endings.push(() => sql.end());
    const pay = app.task({ name: 'pay', bind: true }, async (self, who: string) => {
      const value = await self.once(
        pool,
        'pay',
        async (tx) => {
          expectTypeOf(tx.release).toBeFunction();
          await tx.query('INSERT INTO effects VALUES ($1)', [who]);
          return 7;
        },
        { schema },
      );
      expectTypeOf(value).toEqualTypeOf<number>();
      await self.once(sql, 'log', async (tx) => void (await tx`SELECT 1`), { schema });
      return self.once(drizzle({ client: pool }), 'pay', (tx) => tx.execute(drizzleSql`SELECT 1`).then(() => 8), {
        schema,
      });
    });
    expect(await pay('direct')).toBe(7);
    expect(await count('direct')).toBe(1);
  });
});
