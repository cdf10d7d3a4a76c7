import type { Channel } from 'rabbitmq-client';
import type { AmqpLink } from './amqp-link.ts';

/** Declares queues and exchanges as Celery does, where they are not there yet: one that is there keeps its own arguments. */
export class Topology {
  readonly #link: AmqpLink;
  readonly #known = new Map<string, Promise<void>>();

  constructor(link: AmqpLink) {
    this.#link = link;
  }

  /** A queue of tasks, and the direct exchange of its name. */
  queue(name: string): Promise<void> {
    return this.#once(`queue ${name}`, async () => {
      if (await this.#exists((channel) => channel.queueDeclare({ queue: name, passive: true }))) return;
      const { queueType, maxPriority } = this.#link.target;
      const args = {
        ...(queueType === 'quorum' ? { 'x-queue-type': 'quorum' as const } : {}),
        ...(maxPriority === undefined ? {} : { 'x-max-priority': maxPriority }),
      };
      await this.#link.once(async (channel) => {
        await channel.exchangeDeclare({ exchange: name, type: 'direct', durable: true });
        await channel.queueDeclare({
          queue: name,
          durable: true,
          ...(Object.keys(args).length > 0 ? { arguments: args } : {}),
        });
        await channel.queueBind({ queue: name, exchange: name, routingKey: name });
      });
    });
  }

  exchange(name: string, type: 'direct' | 'fanout' | 'topic', durable: boolean): Promise<void> {
    return this.#once(`exchange ${name}`, async () => {
      if (await this.#exists((channel) => channel.exchangeDeclare({ exchange: name, passive: true }))) return;
      await this.#link.once((channel) => channel.exchangeDeclare({ exchange: name, type, durable }));
    });
  }

  /** Looks anew at the next use: a queue that somebody deleted takes no message. */
  forget(): void {
    this.#known.clear();
  }

  #once(key: string, work: () => Promise<void>): Promise<void> {
    const known = this.#known.get(key);
    if (known) return known;
    const made = work();
    this.#known.set(key, made);
    made.catch(() => this.#known.delete(key)); // whoever asked is told
    return made;
  }

  async #exists(look: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    try {
      await this.#link.once(look);
      return true;
    } catch (error) {
      if (
        /NOT_FOUND|404|no (queue|exchange)/i.test(
          `${(error as { code?: string }).code} ${(error as Error).message} ${String((error as { cause?: unknown }).cause)}`,
        )
      )
        return false;
      throw error;
    }
  }
}
