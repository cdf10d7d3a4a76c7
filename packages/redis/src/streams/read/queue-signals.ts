import { type Clock, sleep } from '@lovage/core/driver';
import { isConnectionError } from '../../store-errors.ts';
import type { BlockingRead } from './blocking-read.ts';

/** Signals read at once. As many may mean that older ones were trimmed. */
const mostAtOnce = 1_000;
/** After so many milliseconds without a read signals may have been trimmed. */
const longestGap = 30_000;
const failurePause = 250;

/** What signals are made of. */
export interface QueueSignalsParts {
  /** Its connection; nothing else waits on it while signals are read. */
  readonly blocking: BlockingRead;
  readonly clock: Clock;
  /** The stream of signals. */
  readonly key: string;
  /** The queue whose keys begin so has messages again. */
  readonly onSignal: (base: string) => void;
  /** Signals may have been missed: every queue may have messages. */
  readonly onGap: () => void;
  /** Redis has answered a read. */
  readonly onAnswer: () => void;
  readonly onError: (error: Error) => void;
}

/**
 * Hears which of a worker's queues have messages again. A worker of few queues waits on their streams; with a thousand, that costs Redis
 * eleven thousand looks for each message (20 ms), and this one.
 */
export class QueueSignals {
  readonly #parts: QueueSignalsParts;
  #running = false;
  #closed = false;

  constructor(parts: QueueSignalsParts) {
    this.#parts = parts;
  }

  /** Reads until it is closed. May be called again. */
  start(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    void this.#run(); // never rejects
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    const { blocking, clock, onError } = this.#parts;
    let last: string | undefined;
    while (!this.#closed) {
      try {
        await blocking.connected();
        if (blocking.client.status === 'end') return;
        last = await this.#read(last ?? (await this.#newest()));
      } catch (error) {
        last = undefined; // what was signalled meanwhile is not known
        if (this.#closed) return;
        if (!isConnectionError(error)) onError(error as Error);
        await sleep(clock, failurePause);
      }
    }
  }

  /** Where to begin. Every queue is looked at after that was read, so that nothing falls between. */
  async #newest(): Promise<string> {
    const { blocking, key, onGap } = this.#parts;
    const [newest] = await blocking.client.xrevrange(key, '+', '-', 'COUNT', 1);
    onGap();
    return newest?.[0] ?? '0-0';
  }

  async #read(last: string): Promise<string> {
    const { blocking, clock, key, onSignal, onGap, onAnswer } = this.#parts;
    const begun = clock.monotonic();
    const reply = await blocking.client.xread('COUNT', mostAtOnce, 'BLOCK', blocking.longest, 'STREAMS', key, last);
    onAnswer();
    const entries = reply?.[0]?.[1] ?? [];
    for (const [, fields] of entries) onSignal(fields[1] ?? '');
    if (entries.length === mostAtOnce || clock.monotonic() - begun > longestGap) onGap();
    return entries.at(-1)?.[0] ?? last;
  }
}
