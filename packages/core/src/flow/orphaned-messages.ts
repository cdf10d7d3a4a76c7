import type { Monitor, QueueCounts } from '../driver/monitor.ts';
import type { Admission, AdmissionEntry } from '../driver/semaphore.ts';
import { entryWhereHeld } from './acquire-request.ts';

/** Held messages that one look reads: about 10 ms of Redis. */
const pageSize = 1_000;
/** Looks without a look between two rounds. */
const rests = 1;

/**
 * Finds held messages that nobody will wake, since they have no place and no turn in any line: the keys of the admission were
 * lost, or restored from an older copy than the queues. Each look reads a page, queue after queue. What was not known at two
 * looks is forgotten: who is known no more because it was just let in and has run is not there at the second one.
 */
export class Forgotten {
  #queues: readonly QueueCounts[] = [];
  #from = 0;
  #resting = 0;
  #doubted: readonly AdmissionEntry[] = [];

  /** The forgotten ones of the page that the last look read. */
  async look(admission: Admission, monitor: Monitor): Promise<readonly AdmissionEntry[]> {
    if (!monitor.held) return [];
    const doubted = this.#doubted;
    this.#doubted = [];
    const forgotten = await unknown(admission, await stillHeld(monitor, doubted));
    const [counts] = await this.#round(monitor);
    if (counts === undefined) return forgotten;
    const messages = await monitor.held(counts.queue, this.#from, pageSize);
    this.#from += pageSize;
    if (this.#from >= counts.held) [this.#from, this.#queues] = [0, this.#queues.slice(1)];
    this.#doubted = await unknown(
      admission,
      messages.flatMap((message) => entryWhereHeld(message) ?? []),
    );
    return forgotten;
  }

  /** The queues that are still to be read. */
  async #round(monitor: Monitor): Promise<readonly QueueCounts[]> {
    if (this.#queues.length > 0 || this.#resting-- > 0) return this.#queues;
    this.#resting = rests;
    this.#queues = (await monitor.counts(await monitor.queues())).filter(({ held }) => held > 0);
    return this.#queues;
  }
}

async function unknown(admission: Admission, entries: readonly AdmissionEntry[]): Promise<readonly AdmissionEntry[]> {
  if (entries.length === 0) return [];
  const known = await admission.knows(entries);
  return entries.filter((_, index) => !known[index]);
}

async function stillHeld(monitor: Monitor, entries: readonly AdmissionEntry[]): Promise<readonly AdmissionEntry[]> {
  if (entries.length === 0) return [];
  const { queue } = entries[0] as AdmissionEntry; // a page is of one queue
  const found = await monitor.locate(
    entries.map(({ id }) => id),
    [queue],
  );
  return entries.filter((_, index) => found[index] === 'delayed');
}
