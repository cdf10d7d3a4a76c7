import { type Connection, newTaskId, type OutcomeRecord } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { describe, expect, it } from 'vitest';
import { connect } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

const patience = 120_000;

describe.skipIf(missingPostgres)('faults of PostgreSQL', () => {
  const postgres = usePostgres();

  const open = async () => {
    const connection = connect(postgres.server.url, { publishTimeout: patience });
    postgres.endings.push(() => connection.close(5_000));
    await connection.check(patience);
    return { connection, results: connection.results as NonNullable<Connection['results']> };
  };
  const recordOf = (value: number): OutcomeRecord => ({
    ...{ id: newTaskId(), task: 'note', state: 'SUCCESS', value, attempts: 1, at: Date.now() },
  });
  const write = (record: OutcomeRecord) => ({ record, ttl: 3_600_000, replyTo: 'inbox' });
  /** Ends every connection but our own, as a failover or an administrator would. */
  const cutAll = () =>
    postgres.server.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lovage' AND pid <> pg_backend_pid()",
    );
  const setReadOnly = async (value: 'on' | 'off') => {
    await postgres.server.pool.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await postgres.server.pool.query('SELECT pg_reload_conf()');
  };

  /** Stores records one after the other on several lines while `harm` is done to the server; none may fail or be missing. */
  const storing = async (harm: (stored: () => number) => Promise<void>): Promise<void> => {
    const { results } = await open();
    const ledger: OutcomeRecord[] = [];
    let over = false;
    const line = async (): Promise<void> => {
      while (!over) {
        const record = recordOf(ledger.length);
        await results.put([write(record)]); // true or, where the reply was lost, false: it stands
        ledger.push(record);
      }
    };
    const lines = Array.from({ length: 8 }, line);
    const grow = async (): Promise<void> => {
      const before = ledger.length;
      await until(() => ledger.length >= before + 50, { timeout: patience, what: 'records to be stored' });
    };
    await grow();
    await harm(() => ledger.length);
    await grow();
    over = true;
    await Promise.all(lines);
    expect(await results.get(ledger.map(({ id }) => id))).toEqual(ledger);
  };

  it('connections that are cut lose nothing', { timeout: 2 * patience }, () =>
    storing(async (stored) => {
      for (let cut = 0; cut < 5; cut += 1) {
        await cutAll();
        const before = stored();
        await until(() => stored() > before + 10, { timeout: patience });
      }
    }),
  );

  it('a server that is killed and started again loses nothing', { timeout: 2 * patience }, () =>
    storing(async () => {
      await postgres.server.kill();
      await postgres.server.launch();
    }),
  );

  it('a server that is read only for a while loses nothing', { timeout: 2 * patience }, () =>
    storing(async (stored) => {
      await setReadOnly('on');
      const refuses = async () => {
        const { rows } = await postgres.server.pool.query('SHOW default_transaction_read_only');
        return rows[0].default_transaction_read_only === 'on';
      };
      await until(refuses, { timeout: patience });
      const before = stored();
      await setReadOnly('off').catch(() => {}); // ALTER SYSTEM writes no table
      await until(() => stored() > before, { timeout: patience });
    }),
  );

  it('a listener whose connection is cut hears again', { timeout: patience }, async () => {
    const { results } = await open();
    const heard: string[] = [];
    await results.watch('inbox', ({ id }) => heard.push(id));
    const rings = async (): Promise<void> => {
      const record = recordOf(1);
      await results.put([write(record)]);
      await until(() => heard.includes(record.id), { timeout: 2_000 });
    };
    await rings();
    await cutAll();
    await until(
      () =>
        rings().then(
          () => true,
          () => false,
        ),
      { timeout: patience, what: 'a notification' },
    );
  });

  it('a group is counted rightly though replies are lost', { timeout: patience }, async () => {
    const { results } = await open();
    const size = 60;
    const joins = Array.from({ length: size }, async (_, index) => {
      const outcome = write(recordOf(index));
      const member = { groupId: 'group', index, size, succeeded: true, ttl: 3_600_000 };
      const state = await results.join({ ...member, outcome });
      return state.refused ? results.join(member) : state; // as a worker does: its outcome may be its own of before
    });
    for (let cut = 0; cut < 3; cut += 1) await cutAll();
    const states = await Promise.all(joins);
    expect(Math.max(...states.map(({ done }) => done))).toBe(size);
    expect(states.some(({ complete }) => complete)).toBe(true);
  });

  it('an error names the server, not the password', { timeout: patience }, async () => {
    const gone = connect('postgres://u:secret@127.0.0.1:1/d', { publishTimeout: 300 });
    postgres.endings.push(() => gone.close(1_000));
    const error = await gone.results?.get(['x']).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'RESULT_BACKEND_UNAVAILABLE' });
    expect(error?.message).toContain('PostgreSQL at postgres://u:***@127.0.0.1:1/d cannot be reached');
    const nobody = connect(`postgres://nobody@127.0.0.1:${postgres.server.port}/postgres`);
    postgres.endings.push(() => nobody.close(1_000));
    await expect(nobody.check(patience)).rejects.toMatchObject({ code: 'BROKER_AUTHENTICATION' });
    const nowhere = connect(postgres.server.url.replace(/postgres$/, 'nowhere'));
    postgres.endings.push(() => nowhere.close(1_000));
    await expect(nowhere.check(patience)).rejects.toThrow('has no such database');
  });
});
