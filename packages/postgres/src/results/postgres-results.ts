import {
  decodeRecord,
  type JoinMember,
  type JoinState,
  type Logger,
  type OutcomeRecord,
  type OutcomeWrite,
  type ResultBackend,
  type ResultNotification,
  type Subscription,
} from '@lovage/core/driver';
import type { PostgresLink } from '../link.ts';
import { channelOf, type PostgresListener } from '../listener.ts';
import { bareStart, type OutcomeRow, outcomeTypes, placeholders, toColumns, toRow } from './outcome-columns.ts';
import { PutBatch } from './put-batch.ts';

/** Ids in one statement. */
const chunkSize = 1_000;
const memberTypes = ['integer', 'boolean', 'integer', 'boolean', 'double precision'];

interface JoinRow {
  readonly ended: number;
  readonly lost: number;
  readonly complete: boolean;
  readonly refused: boolean;
}

/** Outcomes as rows of a table, and a channel for each inbox. */
export class PostgresResults implements ResultBackend {
  readonly #link: PostgresLink;
  readonly #listener: PostgresListener;
  readonly #logger: Logger;
  readonly #batch: PutBatch = new PutBatch((rows) => this.#putAll(rows));

  constructor(link: PostgresLink, listener: PostgresListener, logger: Logger) {
    this.#link = link;
    this.#listener = listener;
    this.#logger = logger;
  }

  put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    return Promise.all(this.#rowsOf(writes).map((row) => this.#batch.add(row)));
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    const texts = new Map<string, string>();
    const sql = `SELECT id, record FROM ${this.#link.schema}.results WHERE id = ANY ($1::text[]) AND expires_at > now()`;
    for (let start = 0; start < ids.length; start += chunkSize) {
      const rows = await this.#link.query<{ id: string; record: string }>(sql, [ids.slice(start, start + chunkSize)]);
      for (const { id, record } of rows) texts.set(id, record);
    }
    return ids.map((id) => {
      const text = texts.get(id);
      return text === undefined ? undefined : decodeRecord(text);
    });
  }

  watch(inbox: string, listener: (notification: ResultNotification) => void): Promise<Subscription> {
    return this.#listener.listen(channelOf(this.#link.target.schema, inbox), (payload) => {
      const notification = parseNotification(payload);
      if (notification) listener(notification);
      else this.#logger.debug('a notification that is none of ours', { inbox });
    });
  }

  async join({ groupId, index, succeeded, size, announcesSize, ttl, outcome }: JoinMember): Promise<JoinState> {
    const member = [[index], [succeeded], [size ?? null], [announcesSize === true], [ttl]];
    const none = outcomeTypes.map(() => null);
    const columns = outcome ? toColumns(this.#rowsOf([outcome])) : none;
    const types = [...memberTypes, ...outcomeTypes];
    const sql = `SELECT * FROM ${this.#link.schema}.join_members($1::text, ${placeholders(types, 2)})`;
    const [row] = await this.#link.query<JoinRow>(sql, [groupId, ...member, ...columns]);
    const { ended: done = 0, lost: failed = 0, complete = false, refused = false } = row ?? {};
    return { done, failed, complete, ...(refused ? { refused } : {}) };
  }

  async reopen(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    const opened: boolean[] = [];
    for (const row of this.#rowsOf(writes)) opened.push(await this.#reopen(row));
    return opened;
  }

  async forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { schema } = this.#link;
    const sql = `DELETE FROM ${schema}.results WHERE id IN
      (SELECT id FROM ${schema}.results WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE)`;
    await this.#link.query(sql, [[...ids]]);
  }

  /** The connection owns the sockets. */
  async close(): Promise<void> {}

  #rowsOf(writes: readonly OutcomeWrite[]): readonly OutcomeRow[] {
    return writes.map((write) => toRow(write, this.#link.target.schema));
  }

  async #putAll(rows: readonly OutcomeRow[]): Promise<readonly boolean[]> {
    const sql = `SELECT stored FROM ${this.#link.schema}.put_outcomes(${placeholders(outcomeTypes)})`;
    const stored = await this.#link.query<{ stored: boolean }>(sql, toColumns(rows));
    return stored.map((one) => one.stored);
  }

  async #reopen({ values }: OutcomeRow): Promise<boolean> {
    const [opened] = await this.#link.query<{ opened: boolean }>(
      `SELECT ${this.#link.schema}.reopen_outcome($1, $2, $3, $4, $5) AS opened`,
      [values[0], values[1], values[2], values[6], values[7]],
    );
    return opened?.opened === true;
  }
}

/** What a payload says: the record, or where it was too long its id alone. */
function parseNotification(payload: string): ResultNotification | undefined {
  if (payload.startsWith(bareStart)) {
    const { bare } = JSON.parse(payload) as { readonly bare: string };
    return { id: bare };
  }
  const record = decodeRecord(payload);
  return record && { id: record.id, record };
}
