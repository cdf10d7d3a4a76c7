import type { Monitor, QueueCounts } from '../driver/monitor.ts';
import type { AcquireRequest, Semaphore } from '../driver/semaphore.ts';
import { requestWhereBlocked } from './acquire-request.ts';

/** Held messages that one look reads: about 10 ms of Redis. */
const pageSize = 1_000;
/** Looks without a look between two rounds. */
const rests = 1;

/**
 * Finds held messages that nobody will wake, since they have no place and no turn in any line: the keys of the admission were
 * lost, or restored from an older copy than the queues. Each look reads a page, queue after queue. What was not known at two
 * looks is forgotten: who is known no more because it was just let in and has run is not there at the second one.
 */
export class OrphanScanner {
  #queues: readonly QueueCounts[] = [];
  #from = 0;
  #resting = 0;
  #suspects: readonly AcquireRequest[] = [];

  /** The forgotten ones of the page that the last look read. */
  async scan(semaphore: Semaphore, monitor: Monitor): Promise<readonly AcquireRequest[]> {
    if (!monitor.blocked) return [];
    const suspects = this.#suspects;
    this.#suspects = [];
    const orphaned = await unknown(semaphore, await stillBlocked(monitor, suspects));
    const [counts] = await this.#round(monitor);
    if (counts === undefined) return orphaned;
    const messages = await monitor.blocked(counts.queue, this.#from, pageSize);
    this.#from += pageSize;
    if (this.#from >= counts.blocked) [this.#from, this.#queues] = [0, this.#queues.slice(1)];
    this.#suspects = await unknown(
      semaphore,
      messages.flatMap((message) => requestWhereBlocked(message) ?? []),
    );
    return orphaned;
  }

  /** The queues that are still to be read. */
  async #round(monitor: Monitor): Promise<readonly QueueCounts[]> {
    if (this.#queues.length > 0 || this.#resting-- > 0) return this.#queues;
    this.#resting = rests;
    this.#queues = (await monitor.counts(await monitor.queues())).filter(({ blocked: held }) => held > 0);
    return this.#queues;
  }
}

async function unknown(semaphore: Semaphore, entries: readonly AcquireRequest[]): Promise<readonly AcquireRequest[]> {
  if (entries.length === 0) return [];
  const known = await semaphore.has(entries);
  return entries.filter((_, index) => !known[index]);
}

async function stillBlocked(monitor: Monitor, entries: readonly AcquireRequest[]): Promise<readonly AcquireRequest[]> {
  if (entries.length === 0) return [];
  const { queue } = entries[0] as AcquireRequest; // a page is of one queue
  const found = await monitor.locate(
    entries.map(({ id }) => id),
    [queue],
  );
  return entries.filter((_, index) => found[index] === 'delayed');
}
