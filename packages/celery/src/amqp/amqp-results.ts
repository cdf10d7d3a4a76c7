import {
  broadcastInbox,
  type Clock,
  isFinal,
  type JoinMember,
  type JoinState,
  type Logger,
  NotSupportedError,
  type OutcomeRecord,
  type OutcomeWrite,
  type ResultBackend,
  type ResultNotification,
  type Subscription,
} from '@lovage/core/driver';
import { groupRecord } from '../protocol/group-meta.ts';
import { readMeta, writeMeta } from '../protocol/result-meta.ts';
import type { MetaWrite } from '../worker/settler.ts';
import type { AmqpLink } from './amqp-link.ts';

/** As Celery declares the queue of a caller's replies. */
const replyQueue = { durable: false, autoDelete: true, arguments: { 'x-expires': 86_400_000 } };
/** So many results that came are kept for whoever asks again. */
const mostKept = 10_000;
const reopenPause = 500;

/** What the results need. */
export interface AmqpResultsParts {
  readonly link: AmqpLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRevoked: (ids: readonly string[]) => void;
}

/**
 * Celery's RPC results: messages to the caller's own queue. Nobody else can ask for them, as in Celery; another process wants
 * results in Redis.
 */
export class AmqpResults implements ResultBackend {
  readonly #parts: AmqpResultsParts;
  readonly #listeners = new Map<string, (notification: ResultNotification) => void>();
  readonly #inboxes = new Map<string, Promise<void>>();
  readonly #kept = new Map<string, OutcomeRecord>();
  readonly #groups = new Map<string, { readonly inbox: string; readonly members: readonly string[] }>();
  #closed = false;

  constructor(parts: AmqpResultsParts) {
    this.#parts = parts;
  }

  async put(writes: readonly OutcomeWrite[]): Promise<readonly boolean[]> {
    const revoked: string[] = [];
    for (const { record, replyTo } of writes) {
      if (record.state === 'REVOKED' && replyTo === broadcastInbox) {
        revoked.push(record.id);
        this.#arrived(record, undefined);
      } else await this.send({ id: record.id, text: writeMeta(record), ttl: 0, replyTo });
    }
    if (revoked.length > 0) this.#parts.onRevoked(revoked);
    return writes.map(() => true);
  }

  async get(ids: readonly string[]): Promise<readonly (OutcomeRecord | undefined)[]> {
    return ids.map((id) => this.#kept.get(id) ?? this.#groupOf(id));
  }

  async watch(inbox: string, listener: (notification: ResultNotification) => void): Promise<Subscription> {
    this.#listeners.set(inbox, listener);
    if (inbox !== broadcastInbox) await this.#open(inbox);
    return { close: async () => void this.#listeners.delete(inbox) };
  }

  /** The queue is there, and heard, before anything is sent that answers to it. */
  async expect(ids: readonly string[], inbox: string, group?: string): Promise<void> {
    if (group !== undefined) this.#groups.set(group, { inbox, members: ids });
    await this.#open(inbox);
  }

  /** Sends a result to whoever asked for it; nobody did: it is nobody's. */
  async send({ id, text, replyTo }: MetaWrite): Promise<void> {
    if (replyTo === undefined || replyTo === '' || replyTo === broadcastInbox) return;
    const envelope = {
      exchange: '',
      routingKey: replyTo,
      correlationId: id,
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      durable: false,
    };
    await this.#parts.link.publish(envelope, Buffer.from(text));
  }

  join(_member: JoinMember): Promise<JoinState> {
    return Promise.reject(new NotSupportedError('RPC results count no members of groups'));
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#kept.delete(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
  }

  #open(inbox: string): Promise<void> {
    const known = this.#inboxes.get(inbox);
    if (known) return known;
    const made = this.#consume(inbox);
    this.#inboxes.set(inbox, made);
    made.catch(() => this.#inboxes.delete(inbox)); // whoever asked is told
    return made;
  }

  async #consume(inbox: string): Promise<void> {
    const { link, clock, logger } = this.#parts;
    const channel = await link.channel();
    channel.on('close', () => {
      this.#inboxes.delete(inbox);
      if (this.#closed || link.closed) return;
      const again = (): void =>
        void this.#open(inbox).catch(() => clock.after(reopenPause, again, { background: true }));
      clock.after(reopenPause, again, { background: true });
    });
    await channel.queueDeclare({ queue: inbox, ...replyQueue });
    await channel.basicConsume({ queue: inbox, noAck: true }, ({ body }) => {
      const record = readMeta(
        Buffer.isBuffer(body) ? body.toString() : typeof body === 'string' ? body : JSON.stringify(body),
      );
      if (record) this.#arrived(record, inbox);
      else logger.debug('a reply is no result of Celery', { inbox });
    });
  }

  #arrived(record: OutcomeRecord, inbox: string | undefined): void {
    if (isFinal(record)) this.#keep(record);
    const boxes = inbox === undefined ? [...this.#listeners.keys()] : [inbox];
    for (const box of boxes) this.#listeners.get(box)?.({ id: record.id, record });
    for (const [id, group] of this.#groups) {
      if (!group.members.includes(record.id)) continue;
      const whole = this.#groupOf(id);
      if (whole && isFinal(whole)) this.#listeners.get(group.inbox)?.({ id, record: whole });
    }
  }

  #keep(record: OutcomeRecord): void {
    this.#kept.set(record.id, record);
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value as string);
  }

  #groupOf(id: string): OutcomeRecord | undefined {
    const group = this.#groups.get(id);
    return (
      group &&
      groupRecord(
        id,
        group.members,
        group.members.map((member) => this.#kept.get(member)),
      )
    );
  }
}
