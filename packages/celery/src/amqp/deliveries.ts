import type { Channel } from 'rabbitmq-client';

/** Which channel each delivery came over: it can be acknowledged there alone. */
export class Deliveries {
  readonly #channels = new Map<string, Channel>();
  readonly #names = new WeakMap<Channel, string>();
  #count = 0;

  add(channel: Channel): string {
    const name = `c${++this.#count}`;
    this.#channels.set(name, channel);
    this.#names.set(channel, name);
    return name;
  }

  nameOf(channel: Channel): string | undefined {
    return this.#names.get(channel);
  }

  has(name: string): boolean {
    return this.#channels.has(name);
  }

  /** The channel is closed: its deliveries went back to their queues. */
  drop(name: string): void {
    this.#channels.delete(name);
  }

  /** False where the channel is gone, and the message with it. */
  readonly end = (tag: string, how: 'ack' | 'requeue'): boolean => {
    const [name = '', deliveryTag] = tag.split(':');
    const channel = this.#channels.get(name);
    if (!channel?.active) return false;
    if (how === 'ack') channel.basicAck({ deliveryTag: Number(deliveryTag) });
    else channel.basicNack({ deliveryTag: Number(deliveryTag), requeue: true });
    return true;
  };
}
