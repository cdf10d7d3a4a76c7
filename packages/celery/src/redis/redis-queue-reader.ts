import { hostname } from 'node:os';
import { readTask } from '../protocol/celery-task.ts';
import type { QueueReader, QueueReaderSink } from '../worker/consumer.ts';
import type { RedisClient, RedisLink } from './connection.ts';
import { readEnvelope, unwrapEnvelope } from './envelope.ts';
import type { Keys } from './keys.ts';
import { scriptsOf } from './scripts.ts';

/** How long one wait for a queue lasts, in seconds: it must answer before its socket is taken for dead. */
const longestWait = 5;
/** Lists of lower priority cannot be waited for beside the first: they are looked at that often, in milliseconds. */
const lookInterval = 100;
/** Deliveries are shown to be alive that often: a worker of Python's may have a short visibility timeout. */
const renewInterval = 2_000;
/** Entries in one fetch: bounds the time it holds Redis. */
const mostAtOnce = 200;
const troublePause = 500;

/** Takes messages off a Redis, and keeps kombu's book of them. */
export class RedisQueueReader implements QueueReader {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #sink: QueueReaderSink;
  readonly #queues: string[];
  readonly #polls = new Map<string, number>();
  readonly #waits = new Map<string, Promise<void>>();
  readonly #blocking = new Map<string, RedisClient>();
  #turn = 0;
  #paused = false;
  #closed = false;
  #round = 0;
  #signal: () => void = () => {};
  #renewal: { cancel(): void } | undefined;

  constructor(link: RedisLink, keys: Keys, sink: QueueReaderSink) {
    this.#link = link;
    this.#keys = keys;
    this.#sink = sink;
    this.#queues = [...sink.request.queues];
  }

  async start(): Promise<void> {
    await this.#bind(this.#queues);
    this.#armRenewal();
    void this.#loop(); // never rejects
  }

  wake(): void {
    this.#signal();
  }

  async addQueue(queue: string): Promise<void> {
    if (this.#queues.includes(queue)) return;
    await this.#bind([queue]);
    this.#queues.push(queue);
    this.#signal();
  }

  async removeQueue(queue: string): Promise<void> {
    const index = this.#queues.indexOf(queue);
    if (index >= 0) this.#queues.splice(index, 1);
    const client = this.#blocking.get(queue);
    if (client) this.#link.end(client);
    this.#blocking.delete(queue);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#signal();
  }

  polls(): ReadonlyMap<string, number> {
    if (this.#paused || this.#closed || this.#sink.room() <= 0) return new Map();
    return new Map(this.#queues.map((queue) => [queue, this.#polls.get(queue) ?? 0]));
  }

  async rebuild(): Promise<void> {
    this.#link.reconnect();
    this.#signal();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#renewal?.cancel();
    this.#signal();
    for (const client of this.#blocking.values()) this.#link.end(client);
    this.#blocking.clear();
  }

  /** As kombu declares a queue: so that publishers and tools find it. */
  async #bind(queues: readonly string[]): Promise<void> {
    await this.#link.run((client) =>
      Promise.all(
        queues.flatMap((queue) =>
          [this.#keys.binding(queue), this.#keys.permanent(queue)].map((key) =>
            client.sadd(key, this.#keys.bound(queue)),
          ),
        ),
      ),
    );
  }

  async #loop(): Promise<void> {
    while (!this.#closed) {
      const signalled = new Promise<void>((resolve) => {
        this.#signal = resolve;
      });
      const room = this.#paused ? 0 : this.#sink.room();
      if (room <= 0 || this.#queues.length === 0) {
        await signalled;
        continue;
      }
      try {
        const found = await this.#fetch(Math.min(room, mostAtOnce));
        if (found === 0) await this.#wait(signalled);
      } catch (error) {
        if (this.#closed) return;
        this.#sink.request.onError(error as Error);
        await this.#pause(troublePause);
      }
    }
  }

  /** The first list of every queue before the second of any; queues take turns. */
  async #fetch(count: number): Promise<number> {
    const queues = this.#queues.map((_, index) => this.#queues[(index + this.#turn) % this.#queues.length] as string);
    this.#turn = (this.#turn + 1) % this.#queues.length;
    const lists = this.#keys.steps.flatMap((step) =>
      queues.map((queue) => ({ queue, key: this.#keys.list(queue, step) })),
    );
    const keys = [this.#keys.unacked, this.#keys.unackedIndex, ...lists.map(({ key }) => key)];
    const tag = `lovage:${hostname()}:${process.pid}:${this.#link.clock.now()}:${this.#round++}`;
    const args = [this.#link.clock.now() / 1_000, count, tag, ...lists.map(({ queue }) => queue)];
    const reply = (await this.#link.runOnce((client) => scriptsOf(client).fetch(keys, args))) as readonly string[];
    for (const queue of queues) this.#polls.set(queue, (this.#polls.get(queue) ?? 0) + 1);
    for (let at = 0; at < reply.length; at += 3) {
      const [tagOf, text, queue] = reply.slice(at, at + 3) as [string, string, string];
      const { integers } = this.#link.target.options;
      this.#sink.take({ tag: tagOf, text, queue }, () => readTask(unwrapEnvelope(readEnvelope(text)), { integers }));
    }
    return reply.length / 3;
  }

  /** Until a queue has something in its first list, there is more room, or it is time to look at the others. */
  async #wait(signalled: Promise<void>): Promise<void> {
    const waits = this.#queues.map((queue) => this.#arrival(queue));
    await Promise.race([
      signalled,
      ...waits,
      this.#pause(this.#keys.steps.length > 1 ? lookInterval : longestWait * 1_000),
    ]);
  }

  #arrival(queue: string): Promise<void> {
    const known = this.#waits.get(queue);
    if (known) return known;
    const wait = this.#block(queue)
      .catch(() => this.#pause(troublePause)) // the fetch tells of a Redis that is away
      .finally(() => this.#waits.delete(queue));
    this.#waits.set(queue, wait);
    return wait;
  }

  /** Moving the oldest entry of a list to where it is waits for one, and takes none: no crash can lose it. */
  async #block(queue: string): Promise<void> {
    let client = this.#blocking.get(queue);
    if (client === undefined) {
      client = await this.#link.create('blocking');
      this.#blocking.set(queue, client);
    }
    const list = this.#keys.list(queue);
    await client.blmove(list, list, 'RIGHT', 'RIGHT', longestWait);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#link.clock.after(ms, resolve, { background: true }));
  }

  #armRenewal(): void {
    if (this.#closed) return;
    const interval = Math.min(renewInterval, this.#link.target.options.visibilityTimeout / 3);
    this.#renewal = this.#link.clock.after(interval, () => {
      void this.#renew().finally(() => this.#armRenewal());
    });
  }

  async #renew(): Promise<void> {
    const tags = this.#sink.tags();
    const now = this.#link.clock.now() / 1_000;
    try {
      for (let start = 0; start < tags.length; start += mostAtOnce) {
        const keys = [this.#keys.unacked, this.#keys.unackedIndex];
        const args = [now, ...tags.slice(start, start + mostAtOnce)];
        const lost = (await this.#link.run((client) => scriptsOf(client).renew(keys, args))) as readonly string[];
        this.#sink.lost(lost);
      }
    } catch (error) {
      if (!this.#closed) this.#sink.request.onError(error as Error);
    }
  }
}
