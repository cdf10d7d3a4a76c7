import type { CatchUp } from '../schedules/schedule.ts';
import type { Slots } from './slots.ts';

/** Under `skip`, a slot is fired as long as it is not later than that: a take-over after a crash fits in. */
const onTime = 30_000;

/** What is asked of an entry: which slots are to be fired now. */
export interface DueQuestion {
  readonly slots: Slots;
  /** Everything up to here has been decided. */
  readonly after: number;
  readonly now: number;
  readonly catchUp: CatchUp;
  /** It was held back by its own run before (`overlap: 'queue'`): that lateness is no reason to drop it. */
  readonly heldBack: boolean;
}

/** The slots to fire, oldest first, by the entry's catch-up policy. What is left out is dropped. */
export function dueSlots({ slots, after, now, catchUp, heldBack }: DueQuestion): readonly number[] {
  if (typeof catchUp === 'object') return slots.newest({ after, until: now }, catchUp.all);
  const newest = slots.newest({ after, until: now }, 1);
  if (catchUp === 'once' || heldBack) return newest;
  return newest.filter((slot) => now - slot <= onTime);
}
