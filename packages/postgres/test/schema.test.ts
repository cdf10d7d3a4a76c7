import { newTaskId } from '@lovage/core/driver';
import { describe, expect, it } from 'vitest';
import { lovage } from '../../cli/test/run-cli.ts';
import type { Migration } from '../src/schema/migration.ts';
import { migrations } from '../src/schema/migrations.ts';
import { migrate, readStatus } from '../src/schema/migrator.ts';
import { connect } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

describe.skipIf(missingPostgres)('the schema', () => {
  const postgres = usePostgres();
  const place = () => ({ schema: `odd "name" ${newTaskId()}` });
  const step = (version: number, sql: string): Migration => ({
    version,
    name: `step-${version}`,
    sql: (schema) => sql.replaceAll('$', schema),
  });

  it('versions go from 1 without gaps', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
  });

  it('is made once by many at once, and brought on later', async () => {
    const { pool } = postgres.server;
    const where = place();
    const one = [step(1, 'CREATE TABLE $.a (id integer);')];
    const clients = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
    try {
      const taken = await Promise.all(clients.map((client) => migrate(client, where, one)));
      expect(taken.flat()).toEqual(['step-1']);
      const two = [...one, step(2, 'CREATE TABLE $.b (id integer);')];
      expect(await readStatus(clients[0]!, where, two)).toEqual({
        version: 1,
        wanted: 2,
        missing: [{ name: 'step-2', sql: expect.stringContaining('.b (id') }],
      });
      expect(await migrate(clients[0]!, where, two)).toEqual(['step-2']);
      expect(await migrate(clients[0]!, where, two)).toEqual([]);
      expect(await migrate(clients[0]!, where, one)).toEqual([]);
      expect(await readStatus(clients[0]!, where, one)).toEqual({ version: 2, wanted: 1, missing: [] });
    } finally {
      for (const client of clients) client.release();
    }
  });

  it('a step that fails leaves nothing behind', async () => {
    const client = await postgres.server.pool.connect();
    try {
      const where = place();
      const steps = [
        step(1, 'CREATE TABLE $.a (id integer);'),
        step(2, 'CREATE TABLE $.b (id integer); SELECT 1 / 0;'),
      ];
      await expect(migrate(client, where, steps)).rejects.toThrow('division by zero');
      expect(await readStatus(client, where, steps)).toMatchObject({
        version: 1,
        wanted: 2,
        missing: [{ name: 'step-2' }],
      });
    } finally {
      client.release();
    }
  });

  it('one that is not there, or newer, is refused by name', async () => {
    const schema = `t${newTaskId()}`;
    const connection = connect(postgres.server.url, { prefix: schema }, 'manual');
    postgres.endings.push(() => connection.close(5_000));
    const refusal = {
      code: 'CONFIGURATION',
      message: expect.stringContaining('is not there: run `lovage db migrate`'),
    };
    await expect(connection.results?.get(['x'])).rejects.toMatchObject(refusal);
    await expect(connection.check(10_000)).rejects.toMatchObject(refusal);
    await expect(connection.results?.watch('inbox', () => {})).rejects.toMatchObject(refusal);
    await connection.schema?.migrate();
    expect(await connection.results?.get(['x'])).toEqual([undefined]);
    await postgres.server.pool.query(`INSERT INTO "${schema}".migrations VALUES (999, 'future')`);
    const later = connect(postgres.server.url, { prefix: schema }, 'auto');
    postgres.endings.push(() => later.close(5_000));
    await expect(later.check(10_000)).rejects.toThrow('is of version 999, newer than this Lovage');
  });

  it('lovage db: status, the statements, migrate', async () => {
    const backend = ['--backend', `${postgres.server.url}?schema=t${newTaskId()}`];
    const first = await lovage(['db', 'status', ...backend]);
    expect(first.stdout).toContain('version 0 of');
    expect(first.code).toBe(1);
    const script = await lovage(['db', 'migrate', '--sql', ...backend]);
    await postgres.server.pool.query(script.stdout);
    expect((await lovage(['db', 'status', ...backend])).code).toBe(0);
    expect((await lovage(['db', 'migrate', ...backend])).stdout).toContain('nothing to do');
  });
});
