import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy before a test's Redis that can lose what the network loses. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #dropAfter: { readonly match: string; readonly done: () => void } | undefined;
  readonly #dead = new WeakSet<Socket>();
  #silent = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}/0`;
  }

  /** Forwards the next request that contains `match`, and cuts its connection in place of the reply. Resolves then. */
  dropReplyTo(match: string): Promise<void> {
    return new Promise((done) => {
      this.#dropAfter = { match, done };
    });
  }

  /** From now on nothing gets through, in either direction, and nothing is closed: a dead network. */
  blackHole(): void {
    this.#silent = true;
  }

  /** On the connections there are, nothing gets through any more, and nothing is closed. New ones work. */
  swallow(): void {
    for (const socket of this.#sockets) this.#dead.add(socket);
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // cut connections are the point
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (!this.#isDead(client)) for (const other of [client, server]) other.destroy();
      });
    }
    let dropping: (() => void) | undefined;
    client.on('data', (bytes) => {
      if (this.#isDead(client)) return;
      if (this.#dropAfter && bytes.includes(this.#dropAfter.match)) {
        dropping = this.#dropAfter.done;
        this.#dropAfter = undefined;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (this.#isDead(client)) return;
      if (!dropping) return client.write(bytes);
      client.destroy();
      dropping();
      return undefined;
    });
  }

  #isDead(client: Socket): boolean {
    return this.#silent || this.#dead.has(client);
  }
}
