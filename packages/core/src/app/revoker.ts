import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { Clock } from '../clock.ts';
import { undeliveredPages } from '../driver/monitor.ts';
import type { RevocationRule, RevocationStore, StampValue } from '../driver/revocation-store.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import { hasStamp } from '../message/stamp.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { isName } from '../options/well-formed.ts';
import type { Stores } from '../stores/stores.ts';

/** Names of stamps or headers, each with the value, or the values, of the tasks that are meant. */
export type StampedHeaders = Readonly<Record<string, StampValue | readonly StampValue[]>>;

/** What taking tasks back needs. */
export interface RevokerContext {
  readonly clock: Clock;
  readonly stores: Stores;
  /** Ends tasks where they stand, with what depends on them. */
  readonly canvas: () => Pick<CanvasSender, 'revoke' | 'endMessages'>;
}

/** What a rule says beside its stamp. */
export interface RuleOptions {
  readonly terminate: boolean;
  readonly expires: Duration;
}

/** Takes tasks back: by id, and by what is stamped on them. */
export class Revoker {
  readonly #context: RevokerContext;

  constructor(context: RevokerContext) {
    this.#context = context;
  }

  /**
   * Ends tasks REVOKED by their ids, and removes them where they wait, with what depends on them in their canvas; resolves
   * with the ids of all that ended. Throws {@link NotSupportedError}, {@link ConfigurationError}.
   */
  async revoke(ids: readonly string[]): Promise<readonly string[]> {
    for (const id of ids) if (!isName(id)) throw new ConfigurationError('revoke: expected task ids');
    const { results } = await this.#context.stores.open();
    if (results === undefined) {
      throw new NotSupportedError("revoke needs a result store, where it is remembered (backend: 'none')");
    }
    return this.#context.canvas().revoke(ids);
  }

  /** Lays down rules that every worker follows, those started later too. Throws {@link ConfigurationError}. */
  async addRules(headers: StampedHeaders, { terminate, expires }: RuleOptions): Promise<readonly RevocationRule[]> {
    const { clock, stores } = this.#context;
    const at = Math.round(clock.now() + (await stores.clockOffset())); // the broker says when it is over
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
    const { monitor, results } = await this.#context.stores.open();
    const found = new Set<string>();
    if (monitor === undefined) return [];
    for (const queue of await monitor.queues()) {
      for await (const messages of undeliveredPages(monitor, queue)) {
        const meant = messages.filter((message) => rules.some(({ stamp, value }) => hasStamp(message, stamp, value)));
        if (meant.length > 0 && results) await this.#context.canvas().endMessages(meant, 'revoked');
        else await monitor.remove?.(meant.map(({ id }) => id));
        for (const { id } of meant) found.add(id);
      }
    }
    return [...found];
  }

  async #rules(): Promise<RevocationStore> {
    const { brokerConnection } = await this.#context.stores.open();
    if (brokerConnection.revocations) return brokerConnection.revocations;
    throw new NotSupportedError('this broker keeps no rules of revocation: revoke by id');
  }
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
