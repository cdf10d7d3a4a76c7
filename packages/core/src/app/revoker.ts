import type { Clock } from '../clock.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { RevocationRule, RevocationStore, StampValue } from '../driver/revocation-store.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import { everyone } from '../results/result-inbox.ts';
import { type Duration, parseDuration } from '../task/duration.ts';
import type { Message } from '../task/message.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite } from '../task/outcome.ts';
import { hasStamp } from '../task/stamp.ts';
import type { Stores } from './stores.ts';

/** Names of stamps or headers, each with the value, or the values, of the tasks that are meant. */
export type StampedHeaders = Readonly<Record<string, StampValue | readonly StampValue[]>>;

/** What taking tasks back needs. */
export interface RevokerContext {
  readonly clock: Clock;
  readonly stores: Stores;
  readonly resultExpires: number;
  /** Told of units of canvases that were revoked before they ran, so that what depends on them ends too. */
  readonly onRevoked: (records: readonly OutcomeRecord[]) => Promise<void>;
}

/** What a rule says beside its stamp. */
export interface RuleOptions {
  readonly terminate: boolean;
  readonly expires: Duration;
}

interface RevokedParts {
  readonly parts: readonly OutcomeRecord[];
  readonly others: readonly string[];
}

/** Takes tasks back: by id, and by what is stamped on them. */
export class Revoker {
  readonly #context: RevokerContext;

  constructor(context: RevokerContext) {
    this.#context = context;
  }

  /** Ends tasks REVOKED by their ids, and removes them where they wait. Throws {@link NotSupportedError}, {@link ConfigurationError}. */
  async revoke(ids: readonly string[]): Promise<void> {
    for (const id of ids)
      if (typeof id !== 'string' || id === '') throw new ConfigurationError('revoke: expected task ids');
    const { results, monitor } = await this.#context.stores.open();
    if (results === undefined) {
      throw new NotSupportedError("revoke needs a result store, where it is remembered (backend: 'none')");
    }
    const { parts, others } = await partsOfCanvases(results, ids);
    await results.put(ids.map((id) => this.#revoked(id)));
    await monitor?.remove?.(others);
    await this.#context.onRevoked(parts);
  }

  /** Lays down rules that every worker follows, those started later too. Throws {@link ConfigurationError}. */
  async addRules(headers: StampedHeaders, { terminate, expires }: RuleOptions): Promise<readonly RevocationRule[]> {
    const at = this.#context.clock.now();
    const expiresAt = at + parseDuration(expires, 'revokeByStampedHeaders: expires');
    const rules = readStamps(headers).map((stamped) => ({ ...stamped, terminate, at, expiresAt }));
    await (await this.#rules()).add(rules);
    return rules;
  }

  /** Takes rules back; what they have ended stays ended. Returns how many of them there were. */
  async lift(headers: StampedHeaders): Promise<number> {
    return (await this.#rules()).remove(readStamps(headers));
  }

  /** The rules that hold, the latest first. */
  async rules(): Promise<readonly RevocationRule[]> {
    const { rules = [] } = await (await this.#rules()).read();
    return [...rules].sort((a, b) => b.at - a.at);
  }

  /** Ends what waits or is delayed in any queue and matches: its waiters need not wait for a worker to meet it. */
  async revokeWaiting(rules: readonly RevocationRule[]): Promise<readonly string[]> {
    const { monitor } = await this.#context.stores.open();
    const found = new Set<string>();
    for (const queue of monitor?.undelivered ? await monitor.queues() : []) {
      for await (const messages of pagesOf(monitor as Monitor, queue)) {
        const meant = messages.filter((message) => rules.some(({ stamp, value }) => hasStamp(message, stamp, value)));
        if (meant.length > 0) await this.#end(meant);
        for (const { id } of meant) found.add(id);
      }
    }
    return [...found];
  }

  /** A message of a canvas stays in its queue: the worker that meets it ends what depends on it. */
  async #end(messages: readonly Message[]): Promise<void> {
    const { results, monitor } = await this.#context.stores.open();
    await results?.put(messages.map(({ id, task }) => this.#revoked(id, task)));
    await monitor?.remove?.(messages.filter(({ canvas }) => canvas === undefined).map(({ id }) => id));
  }

  async #rules(): Promise<RevocationStore> {
    const { brokerConnection } = await this.#context.stores.open();
    if (brokerConnection.revocations) return brokerConnection.revocations;
    throw new NotSupportedError('this broker keeps no rules of revocation: revoke by id');
  }

  #revoked(id: string, task = ''): OutcomeWrite {
    const record = { id, task, state: 'REVOKED', reason: 'revoked', attempts: 0, at: this.#context.clock.now() };
    return { record, ttl: this.#context.resultExpires, replyTo: everyone };
  }
}

async function* pagesOf(monitor: Monitor, queue: string): AsyncGenerator<readonly Message[]> {
  for (let page: string | undefined; ; ) {
    const found = await monitor.undelivered?.(queue, page);
    if (found === undefined) return;
    yield found.messages;
    if (found.next === undefined) return;
    page = found.next;
  }
}

/**
 * What stands in a canvas is not removed from its queue: the worker that meets it there ends what depends on it. What is
 * still laid down for later is told apart, since nobody would meet it.
 */
async function partsOfCanvases(results: ResultBackend, ids: readonly string[]): Promise<RevokedParts> {
  const records = await results.get(ids);
  const others = ids.filter((id, index) => !/[.~]n*\d+$/.test(id) && !records[index]?.canvas && !records[index]?.plan);
  return {
    parts: records.filter((record) => record?.plan !== undefined && !isFinal(record)) as OutcomeRecord[],
    others,
  };
}

function readStamps(headers: StampedHeaders): { readonly stamp: string; readonly value: StampValue }[] {
  const stamps = Object.entries(headers).flatMap(([stamp, values]) =>
    (Array.isArray(values) ? values : [values]).map((value: StampValue) => ({ stamp, value })),
  );
  if (stamps.length === 0)
    throw new ConfigurationError('revokeByStampedHeaders: expected at least one stamp with a value');
  for (const { stamp, value } of stamps) {
    if (['string', 'number', 'boolean'].includes(typeof value)) continue;
    throw new ConfigurationError(
      `revokeByStampedHeaders: the value of "${stamp}" is a string, a number, true or false, or a list of them; received ${JSON.stringify(value)}`,
    );
  }
  return stamps;
}
