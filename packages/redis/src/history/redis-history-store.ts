import {
  type AuditEntry,
  type Clock,
  type FailureEntry,
  type FailureGroup,
  type FailureQuery,
  type HistoryBatch,
  type HistoryLimits,
  type HistoryStore,
  kindOf,
  type MinuteStats,
  minuteMs,
  type RunKind,
  type RunRow,
  type RunRowPage,
} from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import { packMinute, unpackMinute } from './minute-text.ts';
import { packRows, unpackRows } from './row-batch.ts';
import { readRows } from './row-pages.ts';

const kinds: readonly RunKind[] = ['succeeded', 'other'];
/** Entries of the audit that are kept. */
const mostAudits = 10_000;
/** Failures that one script writes. */
const failureChunk = 50;
/** Minutes that one write asks for. */
const minuteChunk = 240;

/** What a history is made of. */
export interface RedisHistoryParts {
  readonly link: StoreLink;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly limits: HistoryLimits;
}

/**
 * The history in Redis: rows as streams of batches, one each for successes and the rest; statistics as a hash a minute; failures as a
 * sorted set by time with a hash of what they are. On a cluster all of it shares one slot: it is small, and its scripts touch several keys.
 */
export class RedisHistoryStore implements HistoryStore {
  readonly #parts: RedisHistoryParts;
  readonly #base: string;

  constructor(parts: RedisHistoryParts) {
    this.#parts = parts;
    this.#base = parts.keys.history;
  }

  /** One write. Repeated after a lost connection: a row that is there twice is better than one that is missing. */
  async append({ rows, failures, minutes }: HistoryBatch): Promise<void> {
    await this.#parts.link.run((client) =>
      Promise.all([
        ...kinds.map((kind) => this.#appendRows(client, kind, rows)),
        this.#appendAttempts(client, rows),
        this.#appendMinutes(client, minutes),
        ...this.#appendFailures(client, failures),
      ]),
    );
  }

  rows(kind: RunKind, query: { readonly before?: string; readonly limit: number }): Promise<RunRowPage> {
    return this.#parts.link.run((client) => readRows(client, `${this.#base}runs:${kind}`, query));
  }

  async attempts(id: string): Promise<readonly RunRow[]> {
    const texts = await this.#parts.link.run((client) => client.lrange(`${this.#base}attempts:${id}`, 0, -1));
    return texts.flatMap(unpackRows);
  }

  async minutes(from: number, to: number): Promise<readonly MinuteStats[]> {
    const found: MinuteStats[] = [];
    for (let start = from; start <= to; start += minuteChunk) {
      const wanted = Array.from({ length: Math.min(minuteChunk, to - start + 1) }, (_, index) => start + index);
      const hashes = await this.#parts.link.run((client) =>
        Promise.all(wanted.map((minute) => client.hgetall(`${this.#base}minute:${minute}`))),
      );
      for (const [index, fields] of hashes.entries())
        for (const [field, text] of Object.entries(fields))
          found.push(...unpackMinute(wanted[index] as number, field, text));
    }
    return found;
  }

  async failures({ fingerprint, after, limit }: FailureQuery): Promise<readonly FailureEntry[]> {
    const list = `${this.#base}failures${fingerprint === undefined ? '' : `:${fingerprint}`}`;
    const found: FailureEntry[] = [];
    const upTo = after === undefined ? '+inf' : String(after.at);
    for (let skip = 0; found.length < limit; skip += limit) {
      const ids = await this.#parts.link.run((client) =>
        client.zrange(list, upTo, '-inf', 'BYSCORE', 'REV', 'LIMIT', skip, limit),
      );
      if (ids.length === 0) break;
      const behind = ids.length === 0 ? [] : await this.failure(ids);
      for (const entry of behind) if (entry && isBehind(entry, after)) found.push(entry);
    }
    return found.slice(0, limit);
  }

  async failure(ids: readonly string[]): Promise<readonly (FailureEntry | undefined)[]> {
    if (ids.length === 0) return [];
    const texts = await this.#parts.link.run((client) => client.hmget(`${this.#base}failure-rows`, ...ids));
    return texts.map((text) => (text === null ? undefined : parse<FailureEntry>(text.slice(12))));
  }

  async failureGroups(): Promise<readonly FailureGroup[]> {
    const texts = await this.#parts.link.run((client) => client.hgetall(`${this.#base}failure-groups`));
    const groups = Object.entries(texts).flatMap(([fingerprint, text]) => parseGroup(fingerprint, text) ?? []);
    const counts = await this.#parts.link.run((client) =>
      Promise.all(groups.map(({ fingerprint }) => client.zcard(`${this.#base}failures:${fingerprint}`))),
    );
    return groups
      .map((group, index): FailureGroup => ({ ...group, open: counts[index] ?? 0 }))
      .filter(({ open }) => open > 0)
      .sort((a, b) => b.lastAt - a.lastAt);
  }

  async removeFailures(ids: readonly string[]): Promise<readonly boolean[]> {
    const answers: boolean[] = [];
    for (let start = 0; start < ids.length; start += 500) {
      const chunk = ids.slice(start, start + 500);
      const letters = await this.#parts.link.run((client) => scriptsOf(client).historyRemove([this.#base], chunk));
      answers.push(...[...letters].map((letter) => letter === 'y'));
    }
    return answers;
  }

  async audit(entry: AuditEntry): Promise<void> {
    await this.#parts.link.run((client) =>
      client.xadd(`${this.#base}audit`, 'MAXLEN', '~', mostAudits, '*', 'e', JSON.stringify(entry)),
    );
  }

  async audits(limit: number): Promise<readonly AuditEntry[]> {
    const entries = await this.#parts.link.run((client) =>
      client.xrevrange(`${this.#base}audit`, '+', '-', 'COUNT', limit),
    );
    return entries.flatMap(([, fields]) => parse<AuditEntry>(fields[1] ?? '') ?? []);
  }

  async sweep(): Promise<void> {
    const { link, clock, limits } = this.#parts;
    const oldest = Math.max(0, Math.floor(clock.now() - limits.expires));
    await link.run(async (client) => {
      for (const kind of kinds) await scriptsOf(client).historyExpire([this.#base], [kind, oldest]);
      await scriptsOf(client).historyForget([this.#base], [oldest]);
    });
  }

  async #appendRows(client: RedisClient, kind: RunKind, all: readonly RunRow[]): Promise<void> {
    const rows = all.filter((row) => kindOf(row) === kind);
    if (rows.length === 0) return;
    const { limits } = this.#parts;
    await scriptsOf(client).historyAppend([this.#base], [kind, rows.length, packRows(rows), limits.rows, limits.bytes]);
  }

  /** Of a task that succeeded at once its record tells all that its row does. */
  async #appendAttempts(client: RedisClient, rows: readonly RunRow[]): Promise<void> {
    const telling = rows.filter(({ state, attempt }) => state !== 'SUCCESS' || attempt > 1);
    await Promise.all(
      telling.flatMap((row) => {
        const key = `${this.#base}attempts:${row.id}`;
        return [client.rpush(key, packRows([row])), client.pexpire(key, Math.ceil(this.#parts.limits.expires))];
      }),
    );
  }

  async #appendMinutes(client: RedisClient, minutes: readonly MinuteStats[]): Promise<void> {
    if (minutes.length === 0) return;
    const args: (string | number)[] = [Math.ceil(this.#parts.limits.minutesExpire + minuteMs)];
    for (const stats of minutes) args.push(stats.minute, ...packMinute(stats));
    await scriptsOf(client).historyMinutes([this.#base], args);
  }

  #appendFailures(client: RedisClient, failures: readonly FailureEntry[]): readonly Promise<unknown>[] {
    const { clock, limits } = this.#parts;
    const oldest = Math.floor(clock.now() - limits.expires);
    const sent: Promise<unknown>[] = [];
    for (let start = 0; start < failures.length; start += failureChunk) {
      const args: (string | number)[] = [limits.failures, limits.bytes, oldest];
      for (const failure of failures.slice(start, start + failureChunk)) {
        const { id, at, error } = failure.row;
        args.push(id, Math.floor(at), error.fingerprint, JSON.stringify(failure), groupText(failure));
      }
      sent.push(scriptsOf(client).historyFail([this.#base], args));
    }
    return sent;
  }
}

type GroupText = Omit<FailureGroup, 'fingerprint' | 'open' | 'total' | 'firstAt'>;

function groupText({ row }: FailureEntry): string {
  const { name, message, frame } = row.error;
  const { id, task, at } = row;
  const group: GroupText = { name, message, task, lastAt: at, example: id, ...(frame === undefined ? {} : { frame }) };
  return JSON.stringify(group);
}

function parseGroup(fingerprint: string, text: string): Omit<FailureGroup, 'open'> | undefined {
  const [, firstAt, total, json] = /^(\d+):(\d+):(.*)$/s.exec(text) ?? [];
  const group = parse<GroupText>(json ?? '');
  return group && { ...group, fingerprint, firstAt: Number(firstAt), total: Number(total) };
}

function isBehind({ row }: FailureEntry, after: FailureQuery['after']): boolean {
  return after === undefined || row.at < after.at || (Math.floor(row.at) <= Math.floor(after.at) && row.id < after.id);
}

/** What this package wrote; undefined for foreign bytes. */
function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
