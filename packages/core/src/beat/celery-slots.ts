import { Cron } from 'croner';
import type { Slots } from './slot-series.ts';

const day = 86_400_000;

/**
 * The moments at which Celery's beat fires a crontab line. It compares wall clock times without their offset, so a time that is not
 * there (spring) is as far after the gap as it was after its begin, and a time that comes twice (autumn) is the first of the two.
 */
export function celerySlots(pattern: string, timezone: string): Slots {
  const wall = new Cron(pattern, { timezone: 'UTC', paused: true, domAndDow: true });
  const zone = createZone(timezone);
  const nextWall = (after: number): number | undefined => wall.nextRun(new Date(after))?.getTime();
  return {
    next(after) {
      let best: number | undefined;
      let slot = nextWall(after + zone.smallestOffset(after) - 1);
      for (; slot !== undefined; slot = nextWall(slot)) {
        const moment = zone.momentOf(slot);
        if (moment > after && (best === undefined || moment < best)) best = moment;
        if (best !== undefined && slot - zone.largestOffset(slot) >= best) return best;
      }
      return best;
    },
    newest({ after, until }, count) {
      const from = new Date(until + zone.largestOffset(until) + 1);
      // Twice as many each time: a gap gives two wall clock times one moment.
      for (let size = count; ; size *= 2) {
        const walls = wall.previousRuns(size, from).map((date) => date.getTime());
        const moments = [...new Set(walls.map(zone.momentOf))].filter((at) => at > after && at <= until);
        const oldest = walls.at(-1);
        const isWhole = walls.length < size || oldest === undefined || zone.momentOf(oldest) <= after - day;
        if (isWhole || moments.length >= count + (zone.isSteady(until) ? 0 : 1))
          return moments.sort((a, b) => a - b).slice(-count);
      }
    },
  };
}

interface Zone {
  /** The moment of a wall clock time, given as if it were UTC. */
  momentOf(wall: number): number;
  /** Of the offsets within a day of a moment. */
  smallestOffset(at: number): number;
  largestOffset(at: number): number;
  isSteady(at: number): boolean;
}

function createZone(timeZone: string): Zone {
  const offsetAt = createOffsets(timeZone);
  return {
    momentOf(wall) {
      const before = offsetAt(wall - day);
      const behind = offsetAt(wall + day);
      const first = wall - before;
      if (before === behind || offsetAt(first) === before) return first;
      const second = wall - behind;
      return offsetAt(second) === behind ? second : first;
    },
    smallestOffset: (at) => Math.min(offsetAt(at - day), offsetAt(at + day)),
    largestOffset: (at) => Math.max(offsetAt(at - day), offsetAt(at + day)),
    isSteady: (at) => offsetAt(at - day) === offsetAt(at + day),
  };
}

/** How far the zone's wall clock is ahead of UTC at a moment, in milliseconds. */
function createOffsets(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const whole = Math.floor(at / 1_000) * 1_000;
    const of: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(whole)) of[type] = Number(value);
    const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = of;
    return Date.UTC(year, month - 1, date, hour, minute, second) - whole;
  };
}
