import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../random.ts';

/** What the network does to the connections through a proxy. */
export type Fault =
  | { readonly kind: 'pass' }
  /** Every chunk arrives that much later, in milliseconds. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Replies arrive in pieces of so many bytes, one every millisecond. */
  | { readonly kind: 'drip'; readonly bytes: number }
  /** A request that contains `match` is forwarded and, this often, its connection is cut in place of the reply. */
  | { readonly kind: 'drop-reply'; readonly match: string; readonly chance: number; readonly random: Random };

interface Flow {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing gets through any more, and nothing is closed. */
  dead: boolean;
  /** The next reply is lost. */
  dropping: boolean;
}

/** A TCP proxy before a Redis that does to connections what networks do. */
export class FaultProxy {
  readonly #target: () => number;
  readonly #flows = new Set<Flow>();
  #server: Server;
  #port = 0;
  #fault: Fault = { kind: 'pass' };
  #dropped = 0;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = this.#create();
  }

  /** Before this port of the loopback; a function is asked at each connection. */
  static async start(target: number | (() => number)): Promise<FaultProxy> {
    const proxy = new FaultProxy(typeof target === 'number' ? () => target : target);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** How many replies were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.#flows.size;
  }

  /** From now on, for all connections. */
  set(fault: Fault): void {
    this.#fault = fault;
  }

  /** On the connections there are, nothing gets through any more in either direction, and nothing is closed. New ones work. */
  blackHole(): void {
    for (const flow of this.#flows) flow.dead = true;
  }

  /** Resets every connection (RST). */
  reset(): void {
    for (const { client, server } of this.#flows) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Resets every connection, and refuses new ones until {@link accept}. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  /** Takes connections again, on the same port. */
  async accept(): Promise<void> {
    this.#server = this.#create();
    await this.#listen();
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.#flows) {
      client.destroy();
      server.destroy();
    }
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #create(): Server {
    return createServer((socket) => this.#serve(socket));
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #serve(client: Socket): void {
    const flow: Flow = { client, server: connect(this.#target(), '127.0.0.1'), dead: false, dropping: false };
    this.#flows.add(flow);
    for (const socket of [flow.client, flow.server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {}); // broken connections are the point
      socket.on('close', () => {
        if (flow.dead && socket === flow.server) return; // the other end is not to learn of it
        this.#flows.delete(flow);
        flow.client.destroy();
        flow.server.destroy();
      });
    }
    client.on('data', (bytes) => this.#request(flow, bytes));
    flow.server.on('data', (bytes) => this.#reply(flow, bytes));
  }

  #request(flow: Flow, bytes: Buffer): void {
    if (flow.dead) return;
    const fault = this.#fault;
    if (fault.kind === 'drop-reply' && bytes.includes(fault.match) && fault.random.next() < fault.chance) {
      flow.dropping = true;
    }
    if (fault.kind === 'delay') setTimeout(() => flow.dead || flow.server.write(bytes), fault.ms);
    else flow.server.write(bytes);
  }

  #reply(flow: Flow, bytes: Buffer): void {
    if (flow.dead) return;
    if (flow.dropping) {
      this.#dropped += 1;
      flow.client.destroy();
      return;
    }
    if (this.#fault.kind === 'delay') setTimeout(() => flow.dead || flow.client.write(bytes), this.#fault.ms);
    else if (this.#fault.kind === 'drip') this.#drip(flow, bytes, this.#fault.bytes);
    else flow.client.write(bytes);
  }

  #drip(flow: Flow, bytes: Buffer, size: number): void {
    flow.server.pause(); // pieces stay in order
    const send = (start: number): void => {
      if (flow.client.destroyed) return;
      flow.client.write(bytes.subarray(start, start + size));
      if (start + size < bytes.length) setTimeout(() => send(start + size), 1);
      else flow.server.resume();
    };
    send(0);
  }
}
