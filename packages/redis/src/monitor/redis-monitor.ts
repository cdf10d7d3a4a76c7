import {
  blockedUntil,
  type DeadLetter,
  type DeadLetterPage,
  type ForeignQueue,
  type Message,
  type MessageLocation,
  type Monitor,
  type ParkedLetter,
  type QueueCounts,
  type UndeliveredPage,
} from '@lovage/core/driver';
import { ForeignBullQueue } from '../bullmq/foreign-bull-queue.ts';
import type { TaskBackend } from '../bullmq/task-backend.ts';
import type { RedisClient } from '../connection.ts';
import { bullName, type Keys, reserved, taskIdOf } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import { countsOrProblem } from './counts.ts';
import { parkLetters, readDeadLetters, removeDeadLetters } from './dead-letter.ts';
import { oldestJob } from './oldest-job.ts';
import { peekJobs, readMessages, readUndeliveredJobs } from './undelivered-jobs.ts';

/** Jobs looked for, or deleted, by one script: bounds the time it holds Redis. */
const chunkSize = 500;
/** Where a job can stand that has not been delivered, in BullMQ's words. */
const undelivered = ['wait', 'prioritized', 'delayed'] as const;

/** A page of what is deleted. */
interface Cleaning {
  readonly queue: string;
  readonly state: (typeof undelivered)[number];
  readonly backendOn: (client: RedisClient) => TaskBackend;
}

/** BullMQ's score of a delayed job: its time times 4096. */
const blockedScore = blockedUntil * 4096;

const places: Readonly<Record<string, MessageLocation>> = { w: 'waiting', d: 'delayed', r: 'running' };

/** Looks at BullMQ's queues and our dead letters. */
export class RedisMonitor implements Monitor {
  readonly #link: StoreLink;
  readonly #keys: Keys;

  constructor(link: StoreLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  queues(): Promise<readonly string[]> {
    return this.#link.run((client) => client.smembers(this.#keys.queues));
  }

  foreign(queue: string): ForeignQueue {
    return new ForeignBullQueue(this.#link, { keys: this.#keys, queue });
  }

  async counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    return this.#link.run((client) =>
      Promise.all(queues.map((queue) => countsOrProblem(queue, this.#countsOf(client, queue)))),
    );
  }

  async oldest(queues: readonly string[]): Promise<readonly (number | undefined)[]> {
    const { job } = this.#keys;
    return this.#link.run((client) =>
      Promise.all(queues.map((queue) => oldestJob(client, (part) => job(queue, part)))),
    );
  }

  async locate(ids: readonly string[], queues?: readonly string[]): Promise<readonly (MessageLocation | undefined)[]> {
    if (ids.length === 0) return [];
    const found: (MessageLocation | undefined)[] = ids.map(() => undefined);
    for (const queue of queues ?? (await this.queues())) {
      for (let start = 0; start < ids.length; start += chunkSize) {
        const letters = await this.#lettersOf(queue, ids.slice(start, start + chunkSize));
        for (const [index, letter] of [...letters].entries()) found[start + index] ??= places[letter];
      }
    }
    return found;
  }

  async find(ids: readonly string[], queues?: readonly string[]): Promise<readonly (Message | undefined)[]> {
    const found = new Map<string, Message>();
    for (const queue of ids.length === 0 ? [] : (queues ?? (await this.queues()))) {
      for (let start = 0; start < ids.length; start += chunkSize) {
        const chunk = ids.slice(start, start + chunkSize).map(bullName);
        for (const message of await readMessages({ link: this.#link, keys: this.#keys, queue }, chunk))
          found.set(message.id, message);
      }
    }
    return ids.map((id) => found.get(id));
  }

  /** BullMQ's own pause, so its tools show it and can end it. */
  async setPaused(queue: string, paused: boolean): Promise<void> {
    const backendOn = await this.#backendOf(queue);
    await this.#link.run(async (client) => {
      await scriptsOf(client).streamRegister([this.#keys.queues], [queue]);
      await backendOn(client).pause(paused);
    });
  }

  async purge(queue: string): Promise<readonly string[]> {
    const backendOn = await this.#backendOf(queue);
    const ids: string[] = [];
    for (const state of undelivered) {
      for (let more = true; more; ) {
        const page = await this.#clean({ queue, state, backendOn });
        ids.push(...page.removed.map(taskIdOf));
        more = page.more;
      }
    }
    return ids;
  }

  /**
   * Deletes a page of jobs. A try whose reply was lost has deleted what stood there before and is gone now: nobody else knows those
   * ids any more.
   */
  async #clean({ queue, state, backendOn }: Cleaning): Promise<{ removed: readonly string[]; more: boolean }> {
    const key = this.#keys.job(queue, state);
    const before = await this.#link.run((client) =>
      state === 'wait' ? client.lrange(key, -chunkSize, -1) : client.zrange(key, 0, String(chunkSize - 1)),
    );
    let tries = 0;
    const removed = await this.#link.run((client) => {
      tries += 1;
      return backendOn(client).cleanJobsByState(state, Number.MAX_SAFE_INTEGER, chunkSize);
    });
    if (tries === 1) return { removed, more: removed.length >= chunkSize };
    const there = await this.#link.run((client) =>
      Promise.all(before.map((id) => client.exists(this.#keys.job(queue, id)))),
    );
    const gone = before.filter((id, index) => there[index] === 0 && !removed.includes(id));
    return { removed: [...gone, ...removed], more: true };
  }

  /** What its last worker was running when it died stands in `active`. */
  async drop(queue: string): Promise<void> {
    await this.purge(queue);
    const key = (suffix: string): string => this.#keys.job(queue, suffix);
    await this.#link.run(async (client) => {
      const running = await client.lrange(key('active'), 0, -1);
      const jobs = running.flatMap((id) => [key(id), key(`${id}:lock`)]);
      const own = [...reserved, ''].map(key); // BullMQ's own key for the queue is the bare prefix of its jobs
      for (const name of [...jobs, ...own, this.#keys.dead(queue)]) await client.unlink(name);
      await client.srem(this.#keys.queues, queue);
    });
  }

  undelivered(queue: string, page?: string): Promise<UndeliveredPage> {
    return readUndeliveredJobs({ link: this.#link, keys: this.#keys, queue }, page);
  }

  async blocked(queue: string, from: number, limit: number): Promise<readonly Message[]> {
    const key = this.#keys.job(queue, 'delayed');
    const ids = await this.#link.run((client) => client.zrangebyscore(key, blockedScore, '+inf', 'LIMIT', from, limit));
    return readMessages({ link: this.#link, keys: this.#keys, queue }, ids);
  }

  peek(queue: string, limit: number): Promise<readonly Message[]> {
    return peekJobs({ link: this.#link, keys: this.#keys, queue }, limit);
  }

  async remove(ids: readonly string[], queues?: readonly string[]): Promise<readonly boolean[]> {
    const removed = ids.map(() => false);
    for (const queue of ids.length === 0 ? [] : (queues ?? (await this.queues()))) {
      for (let start = 0; start < ids.length; start += chunkSize) {
        const { letters, tries } = await this.#removeFrom(queue, ids.slice(start, start + chunkSize));
        const gone = tries > 1 && queues ? 'y-' : 'y'; // not there any more: removed by the try whose reply was lost
        for (const [index, letter] of [...letters].entries()) removed[start + index] ||= gone.includes(letter);
      }
    }
    return removed;
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

  /** BullMQ is loaded at the first need. */
  async #backendOf(queue: string): Promise<(client: RedisClient) => TaskBackend> {
    const { createTaskBackend } = await import('../bullmq/create-task-backend.ts');
    const name = this.#keys.bullQueue(queue);
    return (client) => createTaskBackend(name, { connection: client, prefix: this.#keys.bull });
  }

  async #countsOf(client: RedisClient, queue: string): Promise<QueueCounts> {
    const key = (suffix: string): string => this.#keys.job(queue, suffix);
    const [wait, prioritized, delayed, held, active, dead, paused] = await Promise.all([
      client.llen(key('wait')),
      client.zcard(key('prioritized')),
      client.zcard(key('delayed')),
      client.zcount(key('delayed'), blockedScore, '+inf'),
      client.llen(key('active')),
      client.xlen(this.#keys.dead(queue)),
      client.hexists(key('meta'), 'paused'),
    ]);
    return { queue, waiting: wait + prioritized, delayed, blocked: held, running: active, dead, paused: paused === 1 };
  }

  /** Not repeated after a lost reply: the repetition would say that nothing was there. */
  async #removeFrom(queue: string, ids: readonly string[]): Promise<{ letters: string; tries: number }> {
    const key = (suffix: string): string => this.#keys.job(queue, suffix);
    let tries = 0;
    const letters = await this.#link.run((client) => {
      tries += 1;
      return scriptsOf(client).removeJobs(
        [key('delayed'), key('prioritized'), key('wait'), key('events')],
        [key(''), ...ids.map(bullName)],
      );
    });
    return { letters, tries };
  }

  #lettersOf(queue: string, ids: readonly string[]): Promise<string> {
    const key = (suffix: string): string => this.#keys.job(queue, suffix);
    return this.#link.run((client) =>
      scriptsOf(client).locateJobs(
        [key('delayed'), key('prioritized'), key('active'), key('failed'), key('completed')],
        [key(''), ...ids.map(bullName)],
      ),
    );
  }
}
