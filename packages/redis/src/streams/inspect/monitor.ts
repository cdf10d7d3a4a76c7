import {
  blockedUntil,
  type DeadLetter,
  type DeadLetterPage,
  type Message,
  type MessageLocation,
  type Monitor,
  newTaskId,
  type ParkedLetter,
  type QueueCounts,
  type UndeliveredPage,
} from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import type { Keys } from '../../keys.ts';
import { countsOrProblem } from '../../monitor/counts.ts';
import { parkLetters, readDeadLetters, removeDeadLetters } from '../../monitor/dead-letter.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import type { StoreLink } from '../../store-link.ts';
import { createStreamQueue, group, keysOfQueue } from '../entry/stream-queue.ts';
import { blockedMessages, findEntries } from './find-entries.ts';
import { peekEntries, readUndeliveredEntries } from './undelivered-entries.ts';

/** Messages looked for, or deleted of each stream, by one script: bounds the time it holds Redis. */
const chunkSize = 500;

const places: Readonly<Record<string, MessageLocation>> = { w: 'waiting', d: 'delayed', r: 'running' };

/** Looks at the queues of the Streams driver and their dead letters. */
export class StreamsMonitor implements Monitor {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  queues(): Promise<readonly string[]> {
    return this.#link.run((client) => client.smembers(this.#keys.streamQueues));
  }

  counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    return this.#link.run((client) =>
      Promise.all(queues.map((queue) => countsOrProblem(queue, this.#countsOf(client, queue)))),
    );
  }

  async #countsOf(client: RedisClient, queue: string): Promise<QueueCounts> {
    const keys: [string, string] = [this.#keys.stream(queue), this.#keys.dead(queue)];
    const counts = await scriptsOf(client).streamCounts(keys, [group]);
    const [waiting, delayed, running, dead, blocked, paused] = counts;
    return { queue, waiting, delayed, blocked, running, dead, paused: paused === 1 };
  }

  async oldest(queues: readonly string[]): Promise<readonly (number | undefined)[]> {
    const ages = await this.#link.run((client) => {
      const scripts = scriptsOf(client);
      return Promise.all(queues.map((queue) => scripts.streamOldest([this.#keys.stream(queue)], [group])));
    });
    return ages.map((age) => (age < 0 ? undefined : age));
  }

  async locate(ids: readonly string[], queues?: readonly string[]): Promise<readonly (MessageLocation | undefined)[]> {
    const found: (MessageLocation | undefined)[] = ids.map(() => undefined);
    await this.#eachChunk(ids, queues, async (queue, chunk, start) => {
      const letters = await this.#link.run((client) =>
        scriptsOf(client).streamLocate([this.#keys.stream(queue)], [group, ...chunk]),
      );
      for (const [index, letter] of [...letters].entries()) found[start + index] ??= places[letter];
    });
    return found;
  }

  undelivered(queue: string, page?: string): Promise<UndeliveredPage> {
    return readUndeliveredEntries(this.#link, createStreamQueue(this.#keys, queue), page);
  }

  async blocked(name: string, from: number, limit: number): Promise<readonly Message[]> {
    const queue = createStreamQueue(this.#keys, name);
    const ids = await this.#link.run((client) =>
      client.zrangebyscore(queue.due, blockedUntil, '+inf', 'LIMIT', from, limit),
    );
    return ids.length === 0 ? [] : blockedMessages(this.#link, queue, ids);
  }

  async peek(queue: string, limit: number): Promise<readonly Message[]> {
    return peekEntries(this.#link, createStreamQueue(this.#keys, queue), limit);
  }

  async find(ids: readonly string[], queues?: readonly string[]): Promise<readonly (Message | undefined)[]> {
    const found = new Map<string, Message>();
    await this.#eachChunk(ids, queues, async (name, chunk) => {
      const queue = createStreamQueue(this.#keys, name);
      for (const message of await findEntries(this.#link, queue, chunk)) found.set(message.id, message);
    });
    return ids.map((id) => found.get(id));
  }

  async remove(ids: readonly string[], queues?: readonly string[]): Promise<readonly boolean[]> {
    const removed = ids.map(() => false);
    await this.#eachChunk(ids, queues, async (queue, chunk, start) => {
      let tries = 0;
      const letters = await this.#link.run((client) => {
        tries += 1;
        return scriptsOf(client).streamRemove([this.#keys.stream(queue)], [group, ...chunk]);
      });
      const gone = tries > 1 && queues ? 'y-' : 'y'; // not there any more: removed by the try whose reply was lost
      for (const [index, letter] of [...letters].entries()) if (gone.includes(letter)) removed[start + index] = true;
    });
    return removed;
  }

  async setPaused(queue: string, paused: boolean): Promise<void> {
    const { base, wake } = createStreamQueue(this.#keys, queue);
    await this.#link.run(async (client) => {
      const scripts = scriptsOf(client);
      await scripts.streamRegister([this.#keys.streamQueues], [queue]);
      await scripts.streamPause([base], [paused ? '1' : '', wake]);
    });
  }

  async purge(queue: string): Promise<readonly string[]> {
    const all: string[] = [];
    for (;;) {
      const page = newTaskId();
      const [found, ids] = await this.#link.run((client) =>
        scriptsOf(client).streamPurge([this.#keys.stream(queue)], [group, chunkSize, page]),
      );
      for (const id of ids) all.push(id);
      if (found === 0) return all;
    }
  }

  async drop(queue: string): Promise<void> {
    await this.purge(queue);
    const keys = keysOfQueue(createStreamQueue(this.#keys, queue));
    await this.#link.run(async (client) => {
      for (const key of keys) await client.unlink(key);
      await client.srem(this.#keys.streamQueues, queue);
    });
  }

  deadLetters(queue: string, limit: number, page?: DeadLetterPage): Promise<readonly DeadLetter[]> {
    return readDeadLetters(this.#link, { queue, key: this.#keys.dead(queue) }, limit, page);
  }

  park(queue: string, letters: readonly ParkedLetter[]): Promise<void> {
    return parkLetters(this.#link, { key: this.#keys.dead(queue) }, letters);
  }

  removeDeadLetters(queue: string, keys: readonly string[]): Promise<number> {
    return removeDeadLetters(this.#link, { key: this.#keys.dead(queue) }, keys);
  }

  async #eachChunk(
    ids: readonly string[],
    queues: readonly string[] | undefined,
    work: (queue: string, chunk: readonly string[], start: number) => Promise<void>,
  ): Promise<void> {
    if (ids.length === 0) return;
    for (const queue of queues ?? (await this.queues())) {
      for (let start = 0; start < ids.length; start += chunkSize)
        await work(queue, ids.slice(start, start + chunkSize), start);
    }
  }
}
