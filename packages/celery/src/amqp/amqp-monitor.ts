import type { DeadLetter, DeadLetterPage, MessageLocation, Monitor, QueueCounts } from '@lovage/core/driver';
import type { Channel } from 'rabbitmq-client';
import type { AmqpLink } from './amqp-link.ts';
import { deadQueue } from './amqp-settler.ts';

/** Letters that are looked through at most. */
const mostLetters = 10_000;

/** What AMQP lets a client see of queues: how long they are. RabbitMQ's own tools show the rest. */
export class AmqpMonitor implements Monitor {
  readonly #link: AmqpLink;
  /** The queues that this process has to do with: AMQP lists none. */
  readonly #known: () => readonly string[];

  constructor(link: AmqpLink, known: () => readonly string[]) {
    this.#link = link;
    this.#known = known;
  }

  async queues(): Promise<readonly string[]> {
    return [...new Set(this.#known())].sort();
  }

  counts(queues: readonly string[]): Promise<readonly QueueCounts[]> {
    return Promise.all(
      queues.map(async (queue) => {
        const [waiting, dead] = await Promise.all([this.#length(queue), this.#length(deadQueue(queue))]);
        return { queue, waiting, delayed: 0, blocked: 0, running: 0, dead, paused: false };
      }),
    );
  }

  /** RabbitMQ cannot be asked for a message: one that nobody has heard of is taken to wait. */
  async locate(ids: readonly string[]): Promise<readonly MessageLocation[]> {
    return ids.map(() => 'waiting');
  }

  /** How many messages went nobody can tell by their ids. */
  async purge(queue: string): Promise<readonly string[]> {
    await this.#link.once((channel) => channel.queuePurge(queue));
    return [];
  }

  async deadLetters(
    queue: string,
    limit: number,
    { after, oldestFirst = false }: DeadLetterPage = {},
  ): Promise<readonly DeadLetter[]> {
    const letters = (await this.#letters(queue, () => false)).filter((letter) => letter !== undefined);
    if (!oldestFirst) letters.reverse();
    const from = after === undefined ? 0 : letters.findIndex(({ key }) => key === after) + 1;
    return letters.slice(from, from + limit);
  }

  async removeDeadLetters(queue: string, keys: readonly string[]): Promise<number> {
    const wanted = new Set(keys);
    let gone = 0;
    await this.#letters(queue, ({ key }) => {
      const isGone = wanted.has(key);
      if (isGone) gone += 1;
      return isGone;
    });
    return gone;
  }

  /** Reads all: those that are not to go return to their places as the channel closes. */
  async #letters(queue: string, goes: (letter: DeadLetter) => boolean): Promise<DeadLetter[]> {
    if ((await this.#length(deadQueue(queue))) === 0) return [];
    return this.#link.once((channel) => readAll(channel, deadQueue(queue), goes));
  }

  async #length(queue: string): Promise<number> {
    try {
      const { messageCount } = await this.#link.once((channel) => channel.queueDeclare({ queue, passive: true }));
      return messageCount;
    } catch (error) {
      if (/NOT_FOUND|404|no queue/i.test(`${(error as { code?: string }).code} ${(error as Error).message}`)) return 0;
      throw error;
    }
  }
}

async function readAll(channel: Channel, queue: string, goes: (letter: DeadLetter) => boolean): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  while (letters.length < mostLetters) {
    const message = await channel.basicGet({ queue, noAck: false });
    if (message === undefined) break;
    const text = Buffer.isBuffer(message.body) ? message.body.toString() : JSON.stringify(message.body);
    const letter = JSON.parse(text) as DeadLetter;
    letters.push(letter);
    if (goes(letter)) channel.basicAck({ deliveryTag: message.deliveryTag });
  }
  return letters;
}
