import { sleep } from '@lovage/core/driver';
import { isCluster, isReady, type RedisClient, wake } from '../../connection.ts';
import { isAuthenticationError, isConnectionError, isForbidden, isNotServing } from '../../store-errors.ts';
import type { ReadContext } from '../consumer-context.ts';
import type { RawEntry } from '../entry/entry.ts';
import { group } from '../entry/stream-queue.ts';
import { cork } from '../settle/corked-writes.ts';

/** How long an idle worker's read lasts, in milliseconds: 0.2 commands a second. */
const longestBlock = 5_000;
/** The same where a read cannot be interrupted. */
const shortBlock = 500;
/** Between two tries to interrupt a read that has not reached Redis yet, in milliseconds. */
const interruptPause = 5;
/** After a read that was refused or cut off, in milliseconds. */
const lostPause = 10;
/** After a read of a server that does not serve, in milliseconds. */
const notServingPause = 250;

/** What a blocking read brought. */
export interface Found {
  readonly entries: readonly (readonly [key: string, entries: RawEntry[]])[];
  /** Whether one of the marks was there afterwards. */
  readonly marked: boolean;
}

/** The connection on which a consumer waits for messages, of all its queues at once. */
export class BlockingRead {
  readonly client: RedisClient;
  readonly number: ConnectionNumber;
  readonly #parts: ReadContext;
  #mayInterrupt = true;
  /** `coming`: a read waits for its connection. */
  #state: 'idle' | 'coming' | 'reading' = 'idle';

  private constructor(client: RedisClient, parts: ReadContext) {
    this.client = client;
    this.#parts = parts;
    this.number = new ConnectionNumber(client);
  }

  static async open(parts: ReadContext): Promise<BlockingRead> {
    return new BlockingRead(await parts.clients.reader(parts.request.worker), parts);
  }

  /** How long a connection that was given up may still be handed messages, in milliseconds. */
  get longest(): number {
    return Math.min(longestBlock, this.#parts.clients.longestRead);
  }

  /**
   * Waits for entries of these streams; undefined when there were none in time, or the read was interrupted or cut off.
   * Waits for Redis, too. Behind the read, in the same write, it looks for `marks`, keys that are there when what came may not be
   * taken as it is.
   */
  async read(keys: readonly string[], marks: readonly string[], count: number): Promise<Found | undefined> {
    this.#state = 'coming';
    try {
      await turnEnd(); // what the last read brought may be settled by now: that leaves first, for somebody waits for it
      await this.connected();
      if (!this.#isComing) return undefined; // interrupted, or closed
      await this.number.ask();
      if (!this.#isComing) return undefined;
      this.#state = 'reading';
      const block = this.number.current === undefined || !this.#mayInterrupt ? shortBlock : this.longest;
      const release = cork(this.client);
      const how = ['COUNT', count, 'BLOCK', block, 'STREAMS', ...keys, ...keys.map(() => '>')] as const;
      const reading = this.client.xreadgroup('GROUP', group, this.#parts.name, ...how);
      const marked = this.client.exists(...marks).catch(() => 1); // in doubt they are there
      release();
      const reply = (await reading) as (readonly [string, RawEntry[]])[] | null;
      return reply ? { entries: reply, marked: (await marked) > 0 } : undefined;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      // A client whose socket is ending says `ready` and refuses at once until it hears of it: the event loop has to turn.
      this.#state = 'idle';
      await sleep(this.#parts.clock, isNotServing(error) ? notServingPause : lostPause);
      return undefined;
    } finally {
      this.#state = 'idle';
    }
  }

  get #isComing(): boolean {
    return this.#state === 'coming';
  }

  /** Ends the read under way, so that nothing is delivered to it unseen. Resolves when Redis has ended it. */
  async interrupt(via: RedisClient): Promise<void> {
    if (this.#state === 'coming') this.#state = 'idle';
    while (this.#state === 'reading') {
      const number = this.number.current;
      if (number !== undefined && (await this.#unblock(via, number))) return;
      await sleep(this.#parts.clock, interruptPause);
    }
  }

  async #unblock(via: RedisClient, number: number): Promise<boolean> {
    try {
      return (await via.client('UNBLOCK', number)) === 1;
    } catch (error) {
      if (isForbidden(error)) this.#mayInterrupt = false; // an ACL: reads are short from now on
      throw error;
    }
  }

  /** Resolves when the connection is there, or closed by us. */
  async connected(): Promise<void> {
    const { client } = this;
    if (isReady(client) || client.status === 'end') return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        client.off('ready', settle).off('end', settle);
        resolve();
      };
      client.on('ready', settle).on('end', settle);
      wake(client);
    });
  }

  /** Ends the connection. What was delivered to it unseen comes again when its lease runs out. */
  close(): void {
    this.#state = 'idle';
    this.number.close();
    this.#parts.clients.end(this.client);
  }
}

function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * The number by which Redis knows a client's connection, and those of its former ones. Redis may take one for alive that
 * we have given up: it would hand it messages still, or carry out what lies in its socket.
 */
export class ConnectionNumber {
  readonly #client: RedisClient;
  readonly #former = new Set<number>();
  #asking: Promise<void> | undefined;
  /** Undefined while it is not known, or cannot be: a cluster has many connections, and an ACL may forbid the question. */
  current: number | undefined;
  /** Connections were given up whose number is not known. */
  #unknown = false;

  constructor(client: RedisClient) {
    this.#client = client;
    client.on('close', this.#onClose).on('-node', this.#onClose); // the second: a cluster has lost a node
  }

  /** Asks, once for each connection. Never rejects. */
  ask(): Promise<void> {
    this.#asking ??= isCluster(this.#client) ? Promise.resolve() : this.#ask();
    return this.#asking;
  }

  /** Cuts the former connections off in Redis. False when that cannot be said of all of them. */
  async endFormer(via: RedisClient): Promise<boolean> {
    for (const number of [...this.#former]) {
      await via.client('KILL', 'ID', number).catch((error: Error) => {
        if (!isAuthenticationError(error)) throw error;
        this.#unknown = true;
      });
      this.#former.delete(number);
    }
    const all = !this.#unknown;
    this.#unknown = false;
    return all;
  }

  /** Listens no more. */
  close(): void {
    this.#client.off('close', this.#onClose).off('-node', this.#onClose);
  }

  async #ask(): Promise<void> {
    try {
      this.current = Number(await this.#client.client('ID'));
    } catch {
      // not allowed, or the connection is ending, which whoever uses it will be told
    }
  }

  readonly #onClose = (): void => {
    if (this.current !== undefined) this.#former.add(this.current);
    else if (this.#asking) this.#unknown = true;
    this.current = undefined;
    this.#asking = undefined;
  };
}
