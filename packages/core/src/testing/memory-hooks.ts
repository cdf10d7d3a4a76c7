import type { Connection } from '../driver/driver.ts';
import { MemoryConnection } from '../driver/memory/memory-connection.ts';
import type { MemoryStore } from '../driver/memory/memory-store.ts';

/** Drops the lease of a running message on a `memory://` connection, as if its worker had died. Throws when it is not running. */
export function loseLease(connection: Connection, id: string): void {
  if (!storeOf(connection).expireLease(id)) throw new Error(`message ${id} is not running`);
}

/** Puts bytes into a queue of a `memory://` connection as they are. */
export function injectRaw(connection: Connection, queue: string, body: string): void {
  storeOf(connection).addRaw(queue, body);
}

function storeOf(connection: Connection): MemoryStore {
  if (connection instanceof MemoryConnection) return connection.store;
  throw new Error(`${connection.display} is no memory connection`);
}
