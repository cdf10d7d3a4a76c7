import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeFrame, type StompFrame, StompParser } from './stomp-frames.ts';

/** A STOMP broker. */
export interface StompAddress {
  readonly host: string;
  /** @default 61613 */
  readonly port?: number;
  /** @default false */
  readonly tls?: boolean;
  readonly login?: string;
  readonly passcode?: string;
  /** The `host` header: RabbitMQ's virtual host. @default the host */
  readonly vhost?: string;
}

/** Milliseconds for the connection and its answer, and between heartbeats each way. */
const connectTimeout = 10_000;
const heartbeat = 10_000;

/** One connection to a STOMP broker; it ends when the socket does. */
export class StompConnection {
  readonly #socket: Socket;
  readonly #parser = new StompParser();
  readonly #receipts = new Map<string, () => void>();
  #receipt = 0;
  #onFrame: ((frame: StompFrame) => void) | undefined;
  #beating: NodeJS.Timeout | undefined;
  /** Resolves with the reason when the connection is gone. */
  readonly closed: Promise<Error>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      let reason = new Error('STOMP: the connection was closed');
      socket.on('error', (error) => (reason = error));
      socket.on('close', () => {
        clearInterval(this.#beating);
        resolve(reason);
      });
    });
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  /** Rejects when the broker cannot be reached or refuses. */
  static async open(address: StompAddress): Promise<StompConnection> {
    const { host, port = 61613, tls = false, login, passcode, vhost = host } = address;
    const socket = tls ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
    socket.setNoDelay(true);
    const connection = new StompConnection(socket);
    const answer = new Promise<StompFrame>((resolve) => (connection.#onFrame = resolve));
    const timer = setTimeout(() => socket.destroy(new Error('STOMP: no answer within 10 s')), connectTimeout);
    try {
      connection.send('CONNECT', {
        'accept-version': '1.2',
        host: vhost,
        'heart-beat': `${heartbeat},${heartbeat}`,
        ...(login === undefined ? {} : { login }),
        ...(passcode === undefined ? {} : { passcode }),
      });
      const frame = await Promise.race([answer, connection.closed]);
      if (frame instanceof Error) throw frame;
      if (frame.command !== 'CONNECTED') {
        socket.destroy();
        throw new Error(`STOMP: the broker refused the connection: ${frame.headers['message'] ?? frame.command}`);
      }
      connection.#beat(frame.headers['heart-beat'] ?? '0,0');
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Receives every frame that is no receipt. */
  onFrame(listener: (frame: StompFrame) => void): void {
    this.#onFrame = listener;
  }

  send(command: string, headers: Readonly<Record<string, string>>, body?: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeFrame(command, headers, body));
  }

  /** Resolves when the broker says that it has carried out the frame; rejects when the connection goes first. */
  async confirm(command: string, headers: Readonly<Record<string, string>>, body?: Uint8Array): Promise<void> {
    this.#receipt += 1;
    const receipt = `r${this.#receipt}`;
    const done = new Promise<undefined>((resolve) => this.#receipts.set(receipt, () => resolve(undefined)));
    this.send(command, { ...headers, receipt }, body);
    const lost = await Promise.race([done, this.closed]);
    this.#receipts.delete(receipt);
    if (lost) throw lost;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    try {
      for (const frame of this.#parser.push(bytes)) {
        if (frame.command === 'RECEIPT') this.#receipts.get(frame.headers['receipt-id'] ?? '')?.();
        else this.#onFrame?.(frame);
      }
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  /** The broker says what it sends and what it wants, in milliseconds; three silent intervals are a dead connection. */
  #beat(header: string): void {
    const [sends = 0, wants = 0] = header.split(',').map(Number);
    if (sends > 0) {
      this.#socket.setTimeout(3 * Math.max(sends, heartbeat), () =>
        this.#socket.destroy(new Error('STOMP: the broker has gone silent')),
      );
    }
    if (wants > 0) this.#beating = setInterval(() => this.#socket.write('\n'), Math.max(wants, heartbeat) / 2).unref();
  }
}
