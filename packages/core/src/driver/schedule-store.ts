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
  /** Writes the entry's definition and switch; keeps the last slot of an entry that exists. */
  save(entry: ScheduleEntry): Promise<void>;
  /** Records a fired slot. False when a later or the same slot was recorded before: slots only grow. */
  markFired(name: string, slot: number): Promise<boolean>;
  remove(name: string): Promise<boolean>;
}
