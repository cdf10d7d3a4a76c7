import type { Logger } from '@lovage/core';
import type { Clock } from '@lovage/core/connector';
import type { SourceRecord } from './record.ts';

/** A system that records come from. Implement it to connect one that is not here, and let it take the exam. */
export interface SourceSystem {
  /** `kafka`, `rabbitmq` … */
  readonly system: string;
  /** What the connector is called unless it is given a name: it is part of the task ids. */
  readonly name: string;
  /**
   * Begins to read. Rejects when the system cannot be reached, or refuses: it is opened again after a pause. Once open, it
   * survives a system that goes away and comes again by itself, and says so with `onError`.
   */
  open(context: SourceContext): Promise<OpenSource>;
}

/** What a source gives its system. */
export interface SourceContext {
  readonly logger: Logger;
  readonly clock: Clock;
  /** How many records to hand over at once, at most. */
  readonly batch: number;
  /**
   * Takes records of one partition, in order; one call at a time for each partition. Resolves when the broker has accepted
   * their tasks: commit or acknowledge then, and only then. Rejects when they were not taken: they are to be delivered again.
   * While it waits it calls `keepAlive` about every second; what that throws rejects the call.
   */
  accept(records: readonly SourceRecord[], keepAlive?: () => Promise<unknown>): Promise<void>;
  /** Trouble that was survived, or is being waited for. */
  onError(error: Error): void;
  /** Records that the system no longer has, from the position that was to be read to the one before `to`. */
  onGap(gap: Gap): void;
}

/** A stretch of a partition that was deleted before it was read. */
export interface Gap {
  readonly partition: string;
  readonly from: string;
  readonly to: string;
}

/** How far a partition has been read. */
export interface PartitionLag {
  readonly partition: string;
  /** The next position to be read, where the system has positions that grow. */
  readonly position?: string;
  /** Records that wait in the system. */
  readonly lag: number;
}

/** Where to go on reading: the oldest record there is, the next one to come, a position, or the first record since a moment. */
export type SeekTarget = 'earliest' | 'latest' | { readonly position: string } | { readonly timestamp: number };

/** A source that is being read. */
export interface OpenSource {
  /** Asks the system; rejects where it cannot be reached. */
  lag(): Promise<readonly PartitionLag[]>;
  /** Absent: the system cannot go back. */
  seek?(to: SeekTarget): Promise<void>;
  /** Stops reading; what was not accepted is delivered again, to another instance or later. Ends within seconds. */
  close(): Promise<void>;
}
