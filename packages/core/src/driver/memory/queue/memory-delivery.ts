import type { Message } from '../../../message/message.ts';
import type { Delivery, Settled } from '../../broker.ts';
import type { MemoryEntry } from './memory-entry.ts';

/** One hand-over of an entry, and its lease. */
export class MemoryDelivery implements Delivery {
  readonly entry: MemoryEntry;
  readonly queue: string;
  readonly deliveryCount: number;
  readonly returned: boolean;
  #message: Message | undefined;
  #expiresAt: number;
  /** Abandoned: not renewed any more. Forfeited: gone, though the holder has not noticed. Lost: gone, and it knows. */
  #lease: 'held' | 'abandoned' | 'forfeited' | 'lost' = 'held';
  #listeners: (() => void)[] = [];
  #settled: Settled | undefined;

  constructor(entry: MemoryEntry, expiresAt: number) {
    this.entry = entry;
    this.queue = entry.queue;
    this.deliveryCount = entry.losses + 1;
    this.returned = entry.returned === true;
    this.#expiresAt = expiresAt;
  }

  get message(): Message {
    if (!this.#message) throw new Error('a malformed entry has no message'); // never given to a `Deliver`
    return this.#message;
  }

  /** This delivery, with the message that its entry turned out to hold. */
  carrying(message: Message): this {
    this.#message = message;
    return this;
  }

  /** Whether a settlement still counts. */
  get held(): boolean {
    return this.#lease === 'held';
  }

  onLeaseLost(listener: () => void): void {
    if (this.#lease === 'lost') listener();
    else this.#listeners.push(listener);
  }

  async recordStart(): Promise<number> {
    this.entry.starts ??= new Set();
    this.entry.starts.add(this.deliveryCount);
    return this.entry.starts.size - 1;
  }

  async undoStart(): Promise<void> {
    if (this.held) this.entry.starts?.delete(this.deliveryCount);
  }

  onSettled(listener: Settled): void {
    this.#settled = listener;
  }

  /** Tells the listener that its settlement was carried out. */
  settled(over: boolean): void {
    this.#settled?.(over);
  }

  renew(expiresAt: number): void {
    if (this.#lease === 'held') this.#expiresAt = expiresAt;
  }

  /** The lease runs out at its time, and the message goes to whoever looks for orphans. */
  abandon(): void {
    if (this.#lease === 'held') this.#lease = 'abandoned';
  }

  /** For tests: as if the store had dropped the lease. */
  forfeit(): void {
    if (this.#lease !== 'lost') this.#lease = 'forfeited';
    this.#expiresAt = Number.NEGATIVE_INFINITY;
  }

  hasExpired(now: number): boolean {
    return this.#expiresAt <= now;
  }

  /** Ends the lease and tells the listeners, once. */
  lose(): void {
    this.#lease = 'lost';
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
