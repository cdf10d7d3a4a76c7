import { type Clock, sleep } from '@lovage/core/driver';
import type { RedisClient, RedisClients } from '../connection.ts';
import type { RawEntry } from './entry.ts';
import { consumerName, group } from './stream-queue.ts';

/** How long an idle worker's read lasts, in milliseconds: 0.2 commands a second. */
const longestBlock = 5_000;
/** The same where a read cannot be interrupted. */
const shortBlock = 500;
/** Between two tries to interrupt a read that has not reached Redis yet, in milliseconds. */
const interruptPause = 5;

/** The connection on which a consumer waits for messages, of all its queues at once. */
export class BlockingRead {
  readonly #clients: RedisClients;
  readonly #client: RedisClient;
  readonly #clock: Clock;
  /** The number that Redis knows the connection by; undefined while it is not known, or cannot be. */
  #number: number | undefined;
  #reading = false;

  private constructor(clients: RedisClients, client: RedisClient, clock: Clock) {
    this.#clients = clients;
    this.#client = client;
    this.#clock = clock;
    client.on('close', () => {
      this.#number = undefined;
    });
  }

  static async open(clients: RedisClients, name: string, clock: Clock): Promise<BlockingRead> {
    return new BlockingRead(clients, await clients.blocking(name), clock);
  }

  /** Waits for entries of these streams; undefined when there were none in time, or the read was interrupted. */
  async read(
    keys: readonly string[],
    count: number,
  ): Promise<readonly (readonly [key: string, entries: RawEntry[]])[] | undefined> {
    this.#reading = true;
    try {
      await this.#identify();
      if (!this.#reading) return undefined;
      const block = this.#number === undefined ? shortBlock : Math.min(longestBlock, this.#clients.longestRead);
      const any = keys.map(() => '>');
      const reply = await this.#client.xreadgroup(
        'GROUP',
        group,
        consumerName,
        'COUNT',
        count,
        'BLOCK',
        block,
        'STREAMS',
        ...keys,
        ...any,
      );
      return (reply ?? undefined) as (readonly [string, RawEntry[]])[] | undefined;
    } finally {
      this.#reading = false;
    }
  }

  /** Ends the read under way, so that nothing is delivered to it unseen. Resolves when Redis has ended it. */
  async interrupt(via: RedisClient): Promise<void> {
    while (this.#reading) {
      if (this.#number !== undefined && (await via.client('UNBLOCK', this.#number)) === 1) return;
      await sleep(this.#clock, interruptPause);
    }
  }

  /** Ends the connection. What was delivered to it unseen comes again when its lease runs out. */
  close(): void {
    this.#reading = false;
    this.#clients.end(this.#client);
  }

  /** A cluster has many connections, and an ACL may forbid the question: reads are short then. */
  async #identify(): Promise<void> {
    if (this.#number !== undefined || this.#clients.target.kind === 'cluster') return;
    try {
      this.#number = Number(await this.#client.client('ID'));
    } catch {
      // not allowed, or the connection is ending, which the read will say
    }
  }
}
