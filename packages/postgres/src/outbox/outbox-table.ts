import { createHash } from 'node:crypto';
import { statementsOf } from '../effects/handles.ts';
import { quoteName } from '../link.ts';

/** One call that is to be sent. */
export interface OutboxEntry {
  /** Of the task or canvas. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/** Rows of one statement. */
const chunkSize = 500;

/**
 * Writes calls in somebody's transaction: they are sent when it is committed, and gone when it is rolled back. Throws
 * {@link ConfigurationError} for what is no transaction; else as the database does.
 */
export async function addToOutbox(tx: unknown, schema: string, entries: readonly OutboxEntry[]): Promise<void> {
  const run = statementsOf(tx, 'app.outbox(tx)');
  const table = `${quoteName(schema)}.outbox`;
  for (let start = 0; start < entries.length; start += chunkSize) {
    const chunk = entries.slice(start, start + chunkSize);
    const rows = chunk.map((_, index) => `($${2 * index + 1}, $${2 * index + 2})`).join(', ');
    await run(
      `INSERT INTO ${table} (id, body) VALUES ${rows}`,
      chunk.flatMap(({ id, body }) => [id, body]),
    );
  }
}

/** Where the trigger says that rows were committed. */
export function outboxChannel(schema: string): string {
  return `lovage_outbox_${createHash('md5').update(schema).digest('hex')}`;
}
