import type { Redis } from 'ioredis';

/** What of ioredis's own is looked at here. */
interface ClientParts {
  readonly stream?: { ref(): void; unref(): void };
  readonly commandQueue?: { readonly length: number };
  readonly reconnectTimeout?: { unref?(): void } | null;
  /** Of a cluster's client. */
  readonly nodes?: () => readonly Redis[];
  readonly subscriber?: { getInstance?(): Redis | null };
}

/** Between two looks at what is under way, once nothing else keeps the process, in milliseconds. */
const lookInterval = 5;
const open = new Set<IdleExit>();
let isWatching = false;

/**
 * Lets a process end by itself whose only open thing is an idle producer, as a fetch agent does: the sockets for commands and for
 * notifications do not keep it. What is under way does: when nothing else keeps the process, Node asks here before it ends it.
 * That costs a command nothing; to hold and release the socket around each would be two calls into Node's own code.
 */
export class IdleExit {
  readonly #commands = new Set<Redis>();
  readonly #subscribers = new Set<Redis>();
  #waits = 0;
  #pins = 0;

  /** A client whose sockets are to keep the process only while they are needed. */
  add(client: Redis, role: 'commands' | 'subscriber'): void {
    (role === 'commands' ? this.#commands : this.#subscribers).add(client);
    open.add(this);
    watch();
    const relax = (): void => this.#relax(client);
    for (const event of ['connect', 'ready', 'reconnecting']) client.on(event, relax);
    client.on('+node', (node: Redis) => node.on('connect', relax)); // of a cluster's client
  }

  /** While `work` waits for a connection, which no command shows. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#waits += 1;
    try {
      return await work;
    } finally {
      this.#waits -= 1;
    }
  }

  /** Keeps the process while somebody listens to a channel for its own sake. Calling what it returns ends that. */
  pin(): () => void {
    this.#pins += 1;
    this.relax();
    let pinned = true;
    return () => {
      if (pinned) this.#pins -= 1;
      pinned = false;
      this.relax();
    };
  }

  /** Whether something waits for a connection or a reply. */
  get isBusy(): boolean {
    if (this.#waits > 0) return true;
    return [...this.#commands].some((client) => partsOf(client).some((parts) => (parts.commandQueue?.length ?? 0) > 0));
  }

  close(): void {
    open.delete(this);
  }

  /** Looks at the sockets of subscribers again: a cluster's client makes the one that listens unseen. */
  relax(): void {
    for (const client of this.#subscribers) this.#relax(client);
  }

  #relax(client: Redis): void {
    const keeps = this.#pins > 0 && this.#subscribers.has(client);
    for (const { stream, reconnectTimeout } of partsOf(client)) {
      if (keeps) stream?.ref();
      else {
        stream?.unref();
        reconnectTimeout?.unref?.();
      }
    }
  }
}

/** A client, or a cluster's client with its nodes and the connection that listens. */
function partsOf(client: Redis): readonly ClientParts[] {
  const own = client as unknown as ClientParts; // not in ioredis's types
  if (!own.nodes) return [own];
  const listening = own.subscriber?.getInstance?.();
  return [own, ...own.nodes(), ...(listening ? [listening] : [])] as unknown as readonly ClientParts[];
}

function watch(): void {
  if (isWatching) return;
  isWatching = true;
  process.on('beforeExit', () => {
    if ([...open].some(({ isBusy }) => isBusy)) setTimeout(() => {}, lookInterval);
  });
}
