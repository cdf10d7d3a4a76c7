import type { Message } from '@lovage/core/driver';
import { toCall } from '../message/to-call.ts';
import { bodyOf, type CeleryCall } from '../protocol/celery-call.ts';
import { assertTags, mayHoldTags } from '../protocol/tagged-values.ts';
import type { RedisLink } from './connection.ts';
import type { Keys } from './keys.ts';
import { toWirePriority } from './priority.ts';
import type { RedisSettler } from './redis-settler.ts';

interface Waiting {
  readonly list: string;
  readonly queue: string;
  readonly text: string;
}

interface Batch {
  readonly entries: Waiting[];
  readonly expected: string[];
  readonly done: Promise<void>;
}

/** Asked before messages are sent, so that their results are heard. */
export interface ResultWatch {
  /** Resolves when results of these ids that come from now on are heard. Never rejects. */
  expect(ids: readonly string[], inbox: string): Promise<void>;
}

/** Messages in one LPUSH: bounds the time it holds Redis. */
const mostInOne = 500;

/** Sends messages: those of one turn of the event loop in one pipeline, one LPUSH a list. */
export class RedisPublisher {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #settler: RedisSettler;
  readonly #watch: ResultWatch;
  readonly #bound = new Set<string>();
  #batch: Batch | undefined;

  constructor(link: RedisLink, keys: Keys, settler: RedisSettler, watch: ResultWatch) {
    this.#link = link;
    this.#keys = keys;
    this.#settler = settler;
    this.#watch = watch;
  }

  /** Encodes at once; resolves when Redis has them all. */
  publish(messages: readonly Message[]): Promise<void> {
    const batch = this.#open();
    for (const message of messages) {
      const call = toCall(message, { priority: toWirePriority });
      this.#add(batch, call);
      if (message.replyTo !== undefined && !message.ignoreResult) this.#expect(message.id, message.replyTo);
    }
    return batch.done;
  }

  /** Calls of a canvas. */
  send(calls: readonly CeleryCall[]): Promise<void> {
    const batch = this.#open();
    for (const call of calls) this.#add(batch, call);
    return batch.done;
  }

  readonly #inboxes = new Map<string, string[]>();

  #expect(id: string, inbox: string): void {
    const ids = this.#inboxes.get(inbox);
    if (ids) ids.push(id);
    else this.#inboxes.set(inbox, [id]);
  }

  #add(batch: Batch, call: CeleryCall): void {
    if (mayHoldTags(bodyOf(call))) assertTags([call.args, call.kwargs], `call of "${String(call.headers.task)}"`);
    const priority = typeof call.properties.priority === 'number' ? call.properties.priority : 0;
    batch.entries.push({
      list: this.#keys.list(call.queue, priority),
      queue: call.queue,
      text: this.#settler.textOf(call),
    });
  }

  #open(): Batch {
    if (this.#batch) return this.#batch;
    const entries: Waiting[] = [];
    const done = new Promise<void>((resolve, reject) => {
      queueMicrotask(() => queueMicrotask(() => this.#flush(entries).then(resolve, reject)));
    });
    done.catch(() => {}); // whoever published awaits it
    this.#batch = { entries, expected: [], done };
    return this.#batch;
  }

  async #flush(entries: readonly Waiting[]): Promise<void> {
    this.#batch = undefined;
    const inboxes = [...this.#inboxes];
    this.#inboxes.clear();
    if (entries.length === 0) return;
    await Promise.all(inboxes.map(([inbox, ids]) => this.#watch.expect(ids, inbox)));
    const lists = new Map<string, string[]>();
    for (const { list, text } of entries) {
      const known = lists.get(list);
      if (known) known.push(text);
      else lists.set(list, [text]);
    }
    const unbound = [...new Set(entries.map(({ queue }) => queue))].filter((queue) => !this.#bound.has(queue));
    await this.#link.runOnce((client) => {
      const writes: Promise<unknown>[] = unbound.flatMap((queue) =>
        [this.#keys.binding(queue), this.#keys.permanent(queue)].map((key) =>
          client.sadd(key, this.#keys.bound(queue)),
        ),
      );
      for (const [list, texts] of lists) {
        for (let start = 0; start < texts.length; start += mostInOne)
          writes.push(client.lpush(list, ...texts.slice(start, start + mostInOne)));
      }
      return Promise.all(writes);
    });
    for (const queue of unbound) this.#bound.add(queue);
  }
}
