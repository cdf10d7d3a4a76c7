import {
  type Harness,
  type HarnessNeeds,
  historyConformance,
  leaseConformance,
  resultBackendConformance,
  retentionConformance,
  scheduleStoreConformance,
} from '@lovage/core/conformance';
import { type Connection, newTaskId } from '@lovage/core/driver';
import { describe } from 'vitest';
import { connect } from './bench.ts';
import { missingPostgres } from './postgres-server.ts';
import { usePostgres } from './use-postgres.ts';

/** Another schema for each case. */
describe.skipIf(missingPostgres)('the exam', () => {
  const postgres = usePostgres();
  const open = async (given: HarnessNeeds = {}): Promise<Harness> => {
    const prefix = `t${newTaskId()}`;
    const all: Connection[] = [];
    const another = async (): Promise<Connection> => {
      const connection = connect(postgres.server.url, { prefix, ...given });
      all.push(connection);
      return connection;
    };
    return {
      connection: await another(),
      fastLease: { leaseDuration: 1_000, orphanInterval: 500 },
      another,
      close: async () => {
        await Promise.all(all.map((connection) => connection.close(5_000)));
        await postgres.server.pool.query(`DROP SCHEMA IF EXISTS "${prefix}" CASCADE`);
      },
    };
  };
  const noQueues = 'it carries no tasks, so it has no acks and no dead letters';
  resultBackendConformance('postgres', { open });
  historyConformance('postgres', { open });
  leaseConformance('postgres', { open });
  scheduleStoreConformance('postgres', { open });
  retentionConformance('postgres', {
    open,
    skip: {
      'outcomes that ride on acks are counted as well, and a sweep runs though nothing ends any more': noQueues,
      'dead letters go when they are too many, the oldest first': noQueues,
      'dead letters go when they take too much': noQueues,
      'dead letters go when their time is over': noQueues,
    },
  });
});
