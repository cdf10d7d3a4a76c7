import type { RedisClient } from './connection.ts';
import type { Keys } from './keys.ts';
import { scriptsOf } from './scripts/scripts.ts';

/** How long a start is remembered, in milliseconds: for longer than a fleet is away. */
const remembered = 86_400_000;

/** A repeated delivery, as its task and its number. */
export interface StartedDelivery {
  readonly id: string;
  readonly deliveryCount: number;
}

/** Which repeated deliveries have begun. A set of their numbers, so that a write that is sent again counts once. */
export class StartLog {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Answers with how many others of the task have begun. */
  async record({ id, deliveryCount }: StartedDelivery): Promise<number> {
    return (await scriptsOf(this.#client).recordStart([this.#keys.starts(id)], [deliveryCount, remembered])) - 1;
  }

  async undo({ id, deliveryCount }: StartedDelivery): Promise<void> {
    await this.#client.srem(this.#keys.starts(id), deliveryCount);
  }
}
