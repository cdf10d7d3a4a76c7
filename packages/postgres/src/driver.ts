import type { Driver } from '@lovage/core/driver';
import { PostgresConnection } from './postgres-connection.ts';
import { postgresSchemes } from './postgres-url.ts';

/** PostgreSQL as the result backend, beside a broker of another kind. It carries no tasks. */
export const postgresDriver: Driver = {
  name: 'PostgreSQL',
  schemes: postgresSchemes,
  connect: (url, context) => new PostgresConnection(url, context),
};
