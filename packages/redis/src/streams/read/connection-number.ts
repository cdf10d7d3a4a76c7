import { isCluster, type RedisClient } from '../../connection.ts';
import { isAuthenticationError } from '../../store-errors.ts';

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
