import { type ReadableParts, readableParts } from '../../../message/message-parser.ts';
import type { MessageLocation } from '../../monitor.ts';

/** One entry of a queue: the bytes as they were published, and where it stands. Encoded once, parsed at each delivery. */
export interface MemoryEntry {
  /** Absent where the bytes hold no readable id (foreign bytes put in by a test). */
  readonly id: string | undefined;
  body: string;
  /** The queue it stands in. */
  queue: string;
  priority: number;
  /** How many deliveries ended with a lost lease. */
  losses: number;
  /** A delivery handed it back unspent. */
  returned?: boolean;
  /** The delivery counts of those deliveries that said they began. */
  starts?: Set<number>;
  place: MessageLocation;
  /** When it became ready to run, epoch ms; of meaning while it waits. */
  readySince?: number;
  /** Taken out while it waited; it is skipped where it stands, since lists and heaps do not search. */
  removed?: boolean;
  /** Neighbour in an {@link EntryList}. */
  next: MemoryEntry | undefined;
}

/** What can be read of bytes that may be anything. Never throws. */
export function partsOf(body: string): ReadableParts {
  return readableParts(parse(body));
}

/** The priority that such bytes name; the default where they name none. */
export function priorityOf(body: string): number {
  const { priority } = (parse(body) ?? {}) as { readonly priority?: unknown };
  return Number.isInteger(priority) && (priority as number) >= 0 && (priority as number) <= 9
    ? (priority as number)
    : 0;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // not JSON: nothing of it can be read
  }
}
