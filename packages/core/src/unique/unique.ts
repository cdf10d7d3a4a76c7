import type { MessageLocation, Monitor } from '../driver/monitor.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import {
  type HeldUniqueKey,
  inDebounceWindow,
  type UniqueKeyHolder,
  type UniqueKeyRequest,
  type UniqueKeyStore,
} from '../driver/unique-key-store.ts';
import { BrokerUnavailableError, ConfigurationError, NotSupportedError, TaskNotUniqueError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { MessageUniqueKeys, UniqueRule } from '../options/unique-rule.ts';
import { OutcomeWriter } from '../results/outcome-writer.ts';
import { keyOf } from '../task/key-of.ts';
import { digest } from './idempotency.ts';

/** What unique calls need of the app. */
export interface UniqueContext {
  readonly stores: () => Promise<UniqueStores>;
  readonly publish: (messages: readonly Message[]) => Promise<void>;
  readonly now: () => number;
  /** How many milliseconds the broker's clock is ahead. */
  readonly clockOffset: () => MaybePromise<number>;
  readonly publishTimeout: number;
  readonly resultExpires: number;
}

/** Where claims are kept, and who knows whether their holders still are there. */
export interface UniqueStores {
  readonly uniqueKeys: UniqueKeyStore | undefined;
  readonly monitor: Monitor | undefined;
  readonly results: ResultBackend | undefined;
}

/** What became of a unique call: its own message was published, or another task stands for it. */
export type UniqueSent = { readonly message: Message } | { readonly holder: string };

/** A claim that nobody frees (its message was purged, say, and its key never used again) is forgotten after so long. */
const longestKeyTtl = 7 * 86_400_000;
/** So much longer than a publish may take, a message that was not heard of since is taken for one that never came. */
const graceAfterPublish = 5_000;

/** Where the holder of a key is. `coming`: its message may not have arrived yet; `gone`: it lets go of the key. */
type TaskLocation = MessageLocation | 'coming' | 'gone';

/** Sends calls whose key must be free: claim → publish → confirm. */
export class UniqueSender {
  readonly #context: UniqueContext;

  constructor(context: UniqueContext) {
    this.#context = context;
  }

  /**
   * Sends a call, or finds the task that stands for it; `onDecided` is told which before anything is published. Throws
   * {@link TaskNotUniqueError}, {@link NotSupportedError}, {@link ConfigurationError} for a key that cannot be, and what
   * publishing throws.
   */
  async send(message: Message, rule: UniqueRule, onDecided?: (sent: UniqueSent) => void): Promise<UniqueSent> {
    if (rule.debounce && message.eta !== undefined)
      throw new ConfigurationError(
        `call of "${message.task}": debounce sets the moment of a call: no countdown or eta`,
      );
    const name = uniqueKeyName(message, rule);
    const stores = await this.#context.stores();
    const call = name === undefined ? undefined : new UniqueCall({ context: this.#context, stores, rule, name });
    const turn = call ? await call.decide(message) : { publish: message };
    const sent = turn.publish ? { message: turn.publish } : { holder: turn.holder };
    onDecided?.(sent);
    if (turn.publish) await (call ? call.publish(turn.publish, turn.replaced) : this.#context.publish([message]));
    return sent;
  }
}

/** What to do: publish (and then remove whom it replaced), or nothing, since a task stands for the call. */
type FlowControl =
  | { readonly publish: Message; readonly replaced?: HeldUniqueKey }
  | { readonly publish?: undefined; readonly holder: string };

interface CallParts {
  readonly context: UniqueContext;
  readonly stores: UniqueStores;
  readonly rule: UniqueRule;
  readonly name: string;
}

/** One call that has a key. */
class UniqueCall {
  readonly #context: UniqueContext;
  readonly #uniqueKeys: UniqueKeyStore;
  readonly #stores: UniqueStores;
  readonly #rule: UniqueRule;
  readonly #name: string;

  constructor({ context, stores, rule, name }: CallParts) {
    const { uniqueKeys, monitor } = stores;
    if (!uniqueKeys || !monitor?.remove) {
      throw new NotSupportedError(
        'this broker does not support unique keys: `unique`, `debounce` and `throttle` need memory:// or a Redis driver',
      );
    }
    this.#context = context;
    this.#uniqueKeys = uniqueKeys;
    this.#stores = stores;
    this.#rule = rule;
    this.#name = name;
  }

  /** Takes the key, or finds who keeps it. */
  decide(message: Message): Promise<FlowControl> {
    return this.#rule.onConflict === 'replace' ? this.#replace(message) : this.#takeOrYield(message);
  }

  async #replace(message: Message): Promise<FlowControl> {
    const { debounce } = this.#rule;
    const holder = await this.#uniqueKeys.acquire(this.#name, {
      ...this.#request(message),
      replace: true,
      ...(debounce ? { debounceWindow: debounce } : {}),
    });
    const publish = { ...message, claim: uniqueKeysOf(this.#name, this.#rule) as MessageUniqueKeys };
    if (!debounce) return holder ? { publish, replaced: holder } : { publish };
    const burst = holder && inDebounceWindow(holder, debounce) ? holder : undefined; // one whose quiet time is over is let be
    const wait = Math.max(0, Math.min(debounce.period, debounce.timeout - (burst?.since ?? 0)));
    const ahead = await this.#context.clockOffset();
    const eta = Math.round(this.#context.now() + ahead + wait);
    return { publish: { ...publish, eta }, ...(burst ? { replaced: burst } : {}) };
  }

  async #takeOrYield(message: Message): Promise<FlowControl> {
    const request = this.#request(message);
    let holder = await this.#uniqueKeys.acquire(this.#name, request);
    while (holder !== undefined) {
      const where = await this.#locate(holder);
      if (where !== 'gone') return this.#yield(message, holder, where);
      const taken: HeldUniqueKey | undefined = await this.#uniqueKeys.acquire(this.#name, {
        ...request,
        replaceHolder: holder.id,
      });
      if (taken?.id === holder.id) break; // it was the gone one's
      holder = taken;
    }
    return { publish: this.#shared(message) };
  }

  #request({ id, queue, eta = 0 }: Message): UniqueKeyRequest {
    return { id, queue, ttl: this.#rule.window || longestKeyTtl + Math.max(0, eta - this.#context.now()) };
  }

  /** A message that others may send too, under its id: its worker looks whether it has run. */
  #shared(message: Message): Message {
    const claim = uniqueKeysOf(this.#name, this.#rule);
    return { ...message, mayRepeat: true, ...(claim ? { claim } : {}) };
  }

  /** Publishes under the claim. A message that was not accepted gives the key back. */
  async publish(message: Message, replaced: HeldUniqueKey | undefined): Promise<void> {
    try {
      await this.#context.publish([message]);
    } catch (error) {
      // one that may have been accepted keeps the key until it is seen, or its time to arrive is over
      if (!(error instanceof BrokerUnavailableError)) await this.#giveBack(message, replaced).catch(() => {}); // ends in its time
      throw error;
    }
    const confirming = this.#confirm(message, replaced);
    // the call is accepted: unconfirmed, its claim is believed once its message is found; not removed, the old one runs too
    confirming.catch(() => {});
    if (this.#rule.onConflict === 'replace') await confirming.catch(() => {});
  }

  /** After the new message is there the old one goes: a crash between the two runs both, and loses neither. */
  async #confirm(message: Message, replaced: HeldUniqueKey | undefined): Promise<void> {
    const confirming = this.#uniqueKeys.confirm(this.#name, message.id);
    if (this.#rule.onConflict !== 'replace') return void (await confirming);
    if (replaced) await this.#remove(replaced);
    // what that one took the place of is there still, if its sender died before it was sent
    if (replaced?.previousHolder && !replaced.published) await this.#remove(replaced.previousHolder);
    const holder = await confirming;
    if (holder !== undefined && holder !== message.id) await this.#remove(message); // replaced before it had arrived
  }

  /** What a call does that lets the holder be. */
  #yield(message: Message, { id, queue }: HeldUniqueKey, where: TaskLocation): FlowControl {
    if (this.#rule.onConflict === 'reject') throw new TaskNotUniqueError(message.task, id);
    // the holder's sender may die before its message has arrived: this call sees to it that the task is there
    return where === 'coming' ? { publish: this.#shared({ ...message, id, queue }) } : { holder: id };
  }

  /** The broker is asked: what it does not know any more holds nothing, whatever became of it. */
  async #locate(holder: HeldUniqueKey): Promise<TaskLocation> {
    const { id, queue, published, age } = holder;
    if (this.#rule.scope === 'window' && published) return 'waiting';
    const [place] = (await this.#stores.monitor?.locate([id], [queue])) ?? [];
    if (place !== undefined) return place === 'running' && this.#rule.scope === 'queued' ? 'gone' : place;
    if (!published && age < this.#context.publishTimeout + graceAfterPublish) return 'coming';
    return this.#rule.scope === 'window' && (await this.#hasEnded(id)) ? 'waiting' : 'gone';
  }

  async #hasEnded(id: string): Promise<boolean> {
    const [record] = (await this.#stores.results?.get([id])) ?? [];
    return record !== undefined;
  }

  async #giveBack({ id }: Message, replaced: HeldUniqueKey | undefined): Promise<void> {
    if (replaced === undefined) await this.#uniqueKeys.release(this.#name, id);
    else await this.#uniqueKeys.acquire(this.#name, { ...replaced, ttl: longestKeyTtl, replaceHolder: id });
  }

  /** Takes a task that waits out of its queue, and tells its waiters. One that has begun is left alone. */
  async #remove({ id, queue }: UniqueKeyHolder): Promise<void> {
    const { monitor, results } = this.#stores;
    const [removed] = (await monitor?.remove?.([id], [queue])) ?? [];
    if (!removed || results === undefined) return;
    const { now, resultExpires } = this.#context;
    await new OutcomeWriter({ results, now, resultExpires }).revoke([{ id }], 'replaced');
  }
}

/** The keys that a task holds from its worker's point of view. */
function uniqueKeysOf(name: string, { scope, onConflict }: UniqueRule): MessageUniqueKeys | undefined {
  if (scope === 'window') return undefined;
  const replaceable = onConflict === 'replace' ? { replaceable: true } : {};
  if (scope === 'queued') return { queued: name, ...replaceable };
  return onConflict === 'replace' ? { queued: name, running: `${name}~run`, ...replaceable } : { running: name };
}

/** The name of the claim: the same for the same task and key in every process. undefined: the call has no key. */
function uniqueKeyName({ task, args }: Message, { key }: UniqueRule): string | undefined {
  const text = typeof key === 'function' ? keyOf(key, args, `task "${task}": option key of unique`) : key;
  if (typeof key === 'function' && text === undefined) return undefined;
  return digest([task, text ?? args.map(sorted)]);
}

/** Objects with their keys in order, so that equal arguments make one key. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
