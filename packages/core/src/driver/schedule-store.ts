import type { JsonValue } from '../message/json.ts';

/** A periodic entry as it is stored: what to send, when, and when it last fired. */
export interface ScheduleEntry {
  readonly name: string;
  /** The schedule and signature, as beat writes them. */
  readonly definition: JsonValue;
  readonly enabled: boolean;
  /** The last slot that was fired, epoch ms. */
  readonly lastSlot?: number;
}

/** Keeps periodic entries across restarts of beat. */
export interface ScheduleStore {
  list(): Promise<readonly ScheduleEntry[]>;
  /** The entries of these names; undefined for one that is not there. Absent: the list is read instead. */
  get?(names: readonly string[]): Promise<readonly (ScheduleEntry | undefined)[]>;
  /**
   * Changes when an entry is written or removed, so that a beat need not read all of them to find nothing new. Recorded slots, and
   * entries whose definition is null, do not count. Absent: the list is read.
   */
  version?(): Promise<string>;
  /** Writes the entry's definition and switch; keeps the last slot of an entry that exists. */
  save(entry: ScheduleEntry): Promise<void>;
  /** Records a fired slot. False when a later or the same slot was recorded before: slots only grow. */
  markFired(name: string, slot: number): Promise<boolean>;
  remove(name: string): Promise<boolean>;
}
