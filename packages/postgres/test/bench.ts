import { type Connection, type DriverContext, type Logger, newTaskId, systemClock } from '@lovage/core/driver';
import { postgresDriver } from '../src/index.ts';

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A connection of a test, to a schema of its own that is made at the first use; fields of its context replaced. */
export function connect(url: string, fields: Partial<DriverContext> = {}, migrate = 'auto'): Connection {
  return postgresDriver.connect(`${url}?migrate=${migrate}`, {
    clock: systemClock,
    logger: silent,
    prefix: `t${newTaskId()}`,
    connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
    publishTimeout: 60_000,
    ...fields,
  });
}
