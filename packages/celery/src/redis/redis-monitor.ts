import type {
  DeadLetter,
  DeadLetterPage,
  Message,
  MessageLocation,
  Monitor,
  QueueCounts,
  UndeliveredPage,
} from '@lovage/core/driver';
import { toMessage } from '../message/to-message.ts';
import { readTask } from '../protocol/celery-task.ts';
import type { RedisLink } from './connection.ts';
import { readEnvelope, unwrapEnvelope } from './envelope.ts';
import type { Keys } from './keys.ts';
import { fromWirePriority } from './priority.ts';

/** More than so many deliveries are not looked through one by one. */
const mostLookedAt = 10_000;
const pageSize = 500;

/** What can be seen of Celery's queues from outside. */
export class RedisMonitor implements Monitor {
  readonly #link: RedisLink;
  readonly #keys: Keys;

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Those that somebody has bound; not Celery's own for events and remote control. */
  async queues(): Promise<readonly string[]> {
    const bindings = await this.#bindings();
    const members = await this.#link.run((client) => Promise.all(bindings.map((key) => client.smembers(key))));
    const names = members.flat().map((member) => this.#keys.queueOfBound(member) ?? '');
    const dead = await this.#scan(this.#keys.dead('*'));
    const parked = dead.map((key) => key.slice(this.#keys.dead('').length));
    return [...new Set([...names, ...parked])]
      .filter((name) => name !== '' && !/celery\.pidbox$|^celeryev\./.test(name))
      .sort();
  }

  async counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    const held = await this.#heldByQueue();
    return this.#link.run((client) =>
      Promise.all(
        queues.map(async (queue) => {
          const lengths = await Promise.all(this.#keys.lists(queue).map((list) => client.llen(list)));
          const { running, delayed } = held.get(queue) ?? { running: 0, delayed: 0 };
          const dead = await client.llen(this.#keys.dead(queue));
          const waiting = lengths.reduce((sum, length) => sum + length, 0);
          return { queue, waiting, delayed, blocked: 0, running, dead, paused: false };
        }),
      ),
    );
  }

  /**
   * Whether Celery has a task nobody can say: one that is acknowledged early is nowhere while it runs. So one that is not seen
   * running is taken to wait; Celery itself calls it PENDING.
   */
  async locate(ids: readonly string[]): Promise<readonly MessageLocation[]> {
    const texts = await this.#unacked();
    return ids.map((id) => (texts.some((text) => text.includes(JSON.stringify(id))) ? 'running' : 'waiting'));
  }

  async purge(queue: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const list of this.#keys.lists(queue)) {
      for (;;) {
        const texts = await this.#link.runOnce((client) => client.rpop(list, pageSize));
        for (const text of texts ?? []) ids.push(/"id": ?"([^"\\]+)"/.exec(text)?.[1] ?? '');
        if ((texts?.length ?? 0) < pageSize) break;
      }
    }
    return ids.filter((id) => id !== '');
  }

  async undelivered(queue: string, page = '0:0'): Promise<UndeliveredPage> {
    const [step = 0, from = 0] = page.split(':').map(Number);
    const list = this.#keys.lists(queue)[step];
    if (list === undefined) return { messages: [] };
    const texts = await this.#link.run((client) => client.lrange(list, from, from + pageSize - 1));
    const messages = texts.flatMap((text) => this.#messageIn(queue, text) ?? []);
    if (texts.length === pageSize) return { messages, next: `${step}:${from + pageSize}` };
    return step + 1 < this.#keys.steps.length ? { messages, next: `${step + 1}:0` } : { messages };
  }

  async peek(queue: string, limit: number): Promise<readonly Message[]> {
    const found: Message[] = [];
    for (const list of this.#keys.lists(queue)) {
      const left = limit - found.length;
      if (left <= 0) break;
      const texts = await this.#link.run((client) => client.lrange(list, -left, -1));
      for (const text of texts.reverse()) found.push(...(this.#messageIn(queue, text) ?? []));
    }
    return found;
  }

  async deadLetters(
    queue: string,
    limit: number,
    { after, oldestFirst = false }: DeadLetterPage = {},
  ): Promise<readonly DeadLetter[]> {
    const texts = await this.#link.run((client) => client.lrange(this.#keys.dead(queue), 0, -1));
    const letters = texts.map((text) => JSON.parse(text) as DeadLetter);
    if (oldestFirst) letters.reverse();
    const from = after === undefined ? 0 : letters.findIndex(({ key }) => key === after) + 1;
    return letters.slice(from, from + limit);
  }

  async removeDeadLetters(queue: string, keys: readonly string[]): Promise<number> {
    const wanted = new Set(keys);
    const list = this.#keys.dead(queue);
    const texts = await this.#link.run((client) => client.lrange(list, 0, -1));
    const gone = texts.filter((text) => wanted.has((JSON.parse(text) as DeadLetter).key));
    const counts = await this.#link.run((client) => Promise.all(gone.map((text) => client.lrem(list, 1, text))));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  #messageIn(queue: string, text: string): Message[] | undefined {
    try {
      const task = readTask(unwrapEnvelope(readEnvelope(text)), this.#link.target.options);
      return [toMessage(task, { queue, now: Math.round(this.#link.clock.now()), priority: fromWirePriority })];
    } catch {
      return undefined; // what is no message is left out
    }
  }

  async #heldByQueue(): Promise<ReadonlyMap<string, { running: number; delayed: number }>> {
    const counts = new Map<string, { running: number; delayed: number }>();
    const now = this.#link.clock.now();
    for (const text of await this.#unacked()) {
      const queue = /"([^"]*)"\]$/.exec(text)?.[1] ?? '';
      const count = counts.get(queue) ?? { running: 0, delayed: 0 };
      counts.set(queue, count);
      const eta = /"eta": ?"([^"]+)"/.exec(text)?.[1];
      if (eta !== undefined && Date.parse(eta) > now) count.delayed++;
      else count.running++;
    }
    return counts;
  }

  async #unacked(): Promise<readonly string[]> {
    return this.#link.run(async (client) =>
      (await client.hlen(this.#keys.unacked)) > mostLookedAt ? [] : client.hvals(this.#keys.unacked),
    );
  }

  #bindings(): Promise<readonly string[]> {
    return this.#scan(this.#keys.binding('*'));
  }

  #scan(pattern: string): Promise<readonly string[]> {
    return this.#link.run(async (client) => {
      const keys: string[] = [];
      let cursor = '0';
      do {
        const [next, found] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
        keys.push(...found);
        cursor = next;
      } while (cursor !== '0');
      return keys;
    });
  }
}
