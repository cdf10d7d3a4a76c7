import { Cron } from 'croner';
import type { ScheduleTime } from '../schedules/schedule-time.ts';
import { celerySlots } from './celery-slots.ts';
import type { Slots } from './slot-series.ts';

export type { Slots } from './slot-series.ts';

/** Bounds of an entry: no slot before `start`, none at or after `end`. */
export interface SlotBounds {
  readonly start?: number;
  readonly end?: number;
}

/** The slots of a schedule time within its bounds. */
export function slotsOf(when: ScheduleTime, bounds: SlotBounds = {}): Slots {
  const start = bounds.start ?? Number.NEGATIVE_INFINITY;
  const end = bounds.end ?? Number.POSITIVE_INFINITY;
  const all = unbounded(when, bounds.start ?? 0);
  return {
    next(after) {
      const slot = all.next(Math.max(after, start - 1));
      return slot !== undefined && slot < end ? slot : undefined;
    },
    newest({ after, until }, count) {
      const range = { after: Math.max(after, start - 1), until: Math.min(until, end - 1) };
      return range.after < range.until ? all.newest(range, count) : [];
    },
  };
}

function unbounded(when: ScheduleTime, anchor: number): Slots {
  switch (when.kind) {
    case 'every':
      return intervalSlots(when.every, anchor);
    case 'crontab':
      return crontabSlots(when.pattern, when.tz ?? 'UTC', when.clockChange);
    case 'at':
      return {
        next: (after) => (when.at > after ? when.at : undefined),
        newest: ({ after, until }) => (when.at > after && when.at <= until ? [when.at] : []),
      };
    default:
      return when satisfies never;
  }
}

function intervalSlots(every: number, anchor: number): Slots {
  const last = (until: number): number => anchor + Math.floor((until - anchor) / every) * every;
  return {
    next: (after) => last(after) + every,
    newest: ({ after, until }, count) => {
      const slots: number[] = [];
      for (let slot = last(until); slot > after && slots.length < count; slot -= every) slots.unshift(slot);
      return slots;
    },
  };
}

/**
 * Wall clock slots, found by croner. A line whose hours, minutes and seconds have neither `*` nor a step names times of
 * the day: each is fired once a day, also when clocks change (in a gap: at its end). Any other line repeats by the hour
 * or minute: it goes by elapsed time, so it leaves the gap out and fires in both passes of a repeated hour. See
 * docs/decisions/0020-beat-and-the-clock-change.md.
 */
function crontabSlots(pattern: string, timezone: string, clockChange: 'celery' | undefined): Slots {
  const key = `${clockChange ?? ''} ${timezone} ${pattern}`;
  const known = crontabs.get(key);
  if (known) return known;
  if (crontabs.size >= mostCrontabs) crontabs.clear();
  const slots = withLastAnswer(
    clockChange === 'celery' ? celerySlots(pattern, timezone) : searchedSlots(pattern, timezone),
  );
  crontabs.set(key, slots);
  return slots;
}

/** Thousands of entries share a few patterns. A croner object takes some 5 KB and 60 µs, a search 20 to 70 µs. */
const crontabs = new Map<string, Slots>();
const mostCrontabs = 1_000;

/** The last answer also holds for every moment between its question and itself. */
function withLastAnswer(slots: Slots): Slots {
  let last: { readonly after: number; readonly slot: number | undefined } | undefined;
  return {
    newest: slots.newest,
    next(after) {
      if (!last || after < last.after || (last.slot !== undefined && after >= last.slot))
        last = { after, slot: slots.next(after) };
      return last.slot;
    },
  };
}

function searchedSlots(pattern: string, timezone: string): Slots {
  const cron = new Cron(pattern, { timezone, paused: true, domAndDow: true, fixedTimeRule: 'no-wildcard' });
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    newest: ({ after, until }, count) =>
      cron
        .previousRuns(count, new Date(until + 1))
        .map((date) => date.getTime())
        .filter((slot) => slot > after)
        .reverse(),
  };
}
