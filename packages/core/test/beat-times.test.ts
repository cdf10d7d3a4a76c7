import { describe, expect, it } from 'vitest';
import { slotsOf } from '../src/beat/slots.ts';
import { at, type CrontabFields, crontab, every } from '../src/index.ts';

const patternOf = (when: ReturnType<typeof crontab>): string => (when.kind === 'crontab' ? when.pattern : '');
const ms = (iso: string): number => Date.parse(iso);

/** The slots in [from, until), as ISO texts, found forward and checked backward. */
function slotsBetween(when: ReturnType<typeof crontab>, from: string, until: string): string[] {
  const slots = slotsOf(when, {});
  const found: number[] = [];
  for (let slot = slots.next(ms(from) - 1); slot !== undefined && slot < ms(until); slot = slots.next(slot))
    found.push(slot);
  expect(slots.newest({ after: ms(from) - 1, until: ms(until) - 1 }, 1000), 'backward as forward').toEqual(found);
  return found.map((slot) => new Date(slot).toISOString().replace(':00.000Z', 'Z'));
}

describe('crontab', () => {
  it.each([
    ['0 3 * * 1-5', '0 3 * * 1-5'],
    ['*/15 0-6/2,22 1,15 jan-mar,Dec MON-fri', '*/15 0-6/2,22 1,15 1-3,12 1-5'],
    ['30 */5 * * * *', '30 */5 * * * *'],
    ['0 0 * * 7', '0 0 * * 7'],
    ['0 0 * * fri-mon', '0 0 * * 5-6,0-1'],
    ['0 22-4/2 * * *', '0 22,0,2,4 * * *'],
    ['0 0 l * friday#L', '0 0 L * 5#L'],
    ['0 0 * * sun#L', '0 0 * * 0#L'],
    ['@daily', '0 0 * * *'],
    ['  @Hourly ', '0 * * * *'],
  ])('reads %s', (line, pattern) => {
    expect(patternOf(crontab(line))).toBe(pattern);
  });

  it.each<[CrontabFields, string]>([
    [{}, '* * * * *'],
    [{ minute: 0, hour: '*/3' }, '0 */3 * * *'],
    [{ minute: '0', hour: [8, '17-18'], dayOfWeek: 'mon,fri' }, '0 8,17-18 * * 1,5'],
    [{ minute: 0, hour: 0, dayOfMonth: '2-30/2', monthOfYear: ['jan', 7] }, '0 0 2-30/2 1,7 *'],
    [{ second: '*/10' }, '*/10 * * * * *'],
  ])("reads Celery's form %o", (fields, pattern) => {
    expect(patternOf(crontab(fields))).toBe(pattern);
  });

  it.each([
    ['0 3 * *', 'crontab "0 3 * *": expected 5 fields (minute, hour, day of month, month, day of week)'],
    ['', 'received 0'],
    ['0 25 * * *', 'hour: "25" cannot be: allowed are 0–23, lists (1,5), ranges (1-5), steps (*/2, 1-9/2)'],
    ['60 * * * *', 'minute: "60" cannot be: allowed are 0–59'],
    ['0 0 0 * *', 'day of month: "0" cannot be: allowed are 1–31'],
    [
      '0 0 * foo *',
      'month: "foo" cannot be: allowed are 1–12, lists (1,5), ranges (1-5), steps (*/2, 1-9/2), names (jan–dec)',
    ],
    ['0 0 * * mo', 'day of week: "mo" cannot be'],
    ['*/0 * * * *', 'minute: "*/0" cannot be'],
    ['*/70 * * * *', 'minute: "*/70" cannot be'],
    ['5/15 * * * *', 'minute: "5/15" cannot be'],
    ['0 0 * * */8', 'day of week: "*/8" cannot be'],
    ['1,,2 * * * *', 'minute: "" cannot be'],
    ['70 * * * * *', 'second: "70" cannot be'],
    ['0 0 31 2 *', 'day of month: "31" never comes in month 2'],
    ['0 0 31 4,6 *', 'never comes'],
    ['__proto__ * * * *', 'minute: "__proto__" cannot be'],
  ])('refuses "%s"', (line, message) => {
    expect(() => crontab(line)).toThrow(message);
  });

  it('refuses unknown fields and zones with a hint', () => {
    expect(() => crontab({ minutes: 5 } as object)).toThrow(
      'crontab: unknown option "minutes": did you mean "minute"?',
    );
    expect(() => crontab('* * * * *', { tz: 'Paris' })).toThrow(
      'unknown time zone "Paris": did you mean "Europe/Paris"?',
    );
    expect(() => crontab('* * * * *', { tz: 'Europe/Pariss' })).toThrow('did you mean "Europe/Paris"?');
    expect(patternOf(crontab('* * * * *', { tz: 'US/Eastern' }))).toBe('* * * * *');
    expect(() => crontab({ minute: {} } as never)).toThrow('expected a number, text');
    expect(() => crontab(5 as never)).toThrow('expected a crontab line');
  });

  it('asks for all fields at once: a Friday the 13th, as in Celery', () => {
    expect(slotsBetween(crontab('0 0 13 * 5'), '2027-01-01T00:00Z', '2029-01-01T00:00Z')).toEqual([
      '2027-08-13T00:00Z',
      '2028-10-13T00:00Z',
    ]);
  });
});

describe('when clocks change', () => {
  // A line of plain times runs each of them once a day; a line with * or a step in it goes by elapsed time.
  it.each([
    [
      'Paris, spring: 02:30 is not there and runs at the end of the gap',
      '30 2 * * *',
      'Europe/Paris',
      '2027-03-27T12:00Z',
      '2027-03-29T12:00Z',
      ['2027-03-28T01:00Z', '2027-03-29T00:30Z'],
    ],
    [
      'Paris, spring: two times of the gap meet in one slot',
      '0,30 2 * * *',
      'Europe/Paris',
      '2027-03-28T00:00Z',
      '2027-03-28T12:00Z',
      ['2027-03-28T01:00Z'],
    ],
    [
      'Paris, spring: a range of hours',
      '0 1-3 * * *',
      'Europe/Paris',
      '2027-03-27T23:00Z',
      '2027-03-28T12:00Z',
      ['2027-03-28T00:00Z', '2027-03-28T01:00Z'],
    ],
    [
      'Paris, spring: every half hour goes on evenly',
      '*/30 * * * *',
      'Europe/Paris',
      '2027-03-28T00:00Z',
      '2027-03-28T02:00Z',
      ['2027-03-28T00:00Z', '2027-03-28T00:30Z', '2027-03-28T01:00Z', '2027-03-28T01:30Z'],
    ],
    [
      'Paris, autumn: 02:30 comes twice and runs the first time',
      '30 2 * * *',
      'Europe/Paris',
      '2027-10-30T12:00Z',
      '2027-11-01T12:00Z',
      ['2027-10-31T00:30Z', '2027-11-01T01:30Z'],
    ],
    [
      'Paris, autumn: every half hour goes on evenly',
      '*/30 * * * *',
      'Europe/Paris',
      '2027-10-31T00:00Z',
      '2027-10-31T02:30Z',
      ['2027-10-31T00:00Z', '2027-10-31T00:30Z', '2027-10-31T01:00Z', '2027-10-31T01:30Z', '2027-10-31T02:00Z'],
    ],
    [
      'New York, spring',
      '30 2 * * *',
      'America/New_York',
      '2027-03-13T12:00Z',
      '2027-03-15T12:00Z',
      ['2027-03-14T07:00Z', '2027-03-15T06:30Z'],
    ],
    [
      'New York, autumn',
      '30 1 * * *',
      'America/New_York',
      '2027-11-06T12:00Z',
      '2027-11-08T12:00Z',
      ['2027-11-07T05:30Z', '2027-11-08T06:30Z'],
    ],
    [
      'New York, autumn: hourly runs in both passes',
      '15 * * * *',
      'America/New_York',
      '2027-11-07T05:00Z',
      '2027-11-07T08:00Z',
      ['2027-11-07T05:15Z', '2027-11-07T06:15Z', '2027-11-07T07:15Z'],
    ],
    [
      'Lord Howe, spring: a gap of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2027-10-02T12:00Z',
      '2027-10-04T12:00Z',
      ['2027-10-02T15:30Z', '2027-10-03T15:15Z'],
    ],
    [
      'Lord Howe, autumn: half an hour comes twice',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2027-04-03T12:00Z',
      '2027-04-05T12:00Z',
      ['2027-04-03T14:45Z', '2027-04-04T15:15Z'],
    ],
    [
      'Lord Howe, autumn: every quarter of an hour goes on evenly',
      '*/15 * * * *',
      'Australia/Lord_Howe',
      '2027-04-03T14:30Z',
      '2027-04-03T16:00Z',
      [
        '2027-04-03T14:30Z',
        '2027-04-03T14:45Z',
        '2027-04-03T15:00Z',
        '2027-04-03T15:15Z',
        '2027-04-03T15:30Z',
        '2027-04-03T15:45Z',
      ],
    ],
    [
      'Kathmandu: a quarter of an hour off, all year',
      '0 3 * * *',
      'Asia/Kathmandu',
      '2027-03-27T12:00Z',
      '2027-03-29T12:00Z',
      ['2027-03-27T21:15Z', '2027-03-28T21:15Z'],
    ],
    [
      'UTC knows no change',
      '30 2 * * *',
      'UTC',
      '2027-03-27T12:00Z',
      '2027-03-29T12:00Z',
      ['2027-03-28T02:30Z', '2027-03-29T02:30Z'],
    ],
  ])('%s', (...[, line, tz, from, until, expected]) => {
    expect(slotsBetween(crontab(line, { tz }), from, until)).toEqual(expected);
  });

  it.each(['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'])(
    'over all of 2027 in %s a daily line fires 365 times, whatever its hour',
    (tz) => {
      for (const line of ['0 0 * * *', '59 1 * * *', '15 2 * * *', '30 2 * * *', '0 3 * * *']) {
        const days = new Set<string>();
        const slots = slotsOf(crontab(line, { tz }), {});
        const day = new Intl.DateTimeFormat('sv', { timeZone: tz });
        let count = 0;
        for (
          let slot = slots.next(ms('2026-12-31T06:00Z')) as number;
          day.format(slot) < '2028-01-01';
          slot = slots.next(slot) as number
        ) {
          if (day.format(slot) < '2027-01-01') continue;
          days.add(day.format(slot));
          count += 1;
        }
        expect([line, count, days.size]).toEqual([line, 365, 365]);
      }
    },
  );
});

describe('every and at', () => {
  it('has slots that do not depend on when one looks', () => {
    const slots = slotsOf(every('30s'), {});
    expect(slots.next(ms('2027-01-01T00:00:29.999Z'))).toBe(ms('2027-01-01T00:00:30Z'));
    expect(slots.next(ms('2027-01-01T00:00:30Z'))).toBe(ms('2027-01-01T00:01:00Z'));
    expect(slots.newest({ after: ms('2027-01-01T00:00:00Z'), until: ms('2027-01-01T00:01:00Z') }, 9)).toEqual(
      [30, 60].map((s) => ms('2027-01-01T00:00:00Z') + s * 1000),
    );
  });

  it('counts from its start, and ends before its end', () => {
    const [start, end] = [ms('2027-01-01T00:00:10Z'), ms('2027-01-01T00:00:40Z')];
    const slots = slotsOf(every('15s'), { start, end });
    expect(slots.next(0)).toBe(start);
    expect(slots.next(start)).toBe(start + 15_000);
    expect(slots.next(start + 15_000)).toBeUndefined();
    expect(slots.newest({ after: 0, until: end + 60_000 }, 10)).toEqual([start, start + 15_000]);
  });

  it('finds the newest of a month of seconds at once', () => {
    const slots = slotsOf(crontab('* * * * * *'), {});
    const until = ms('2027-02-01T00:00:00.500Z');
    const started = performance.now();
    expect(slots.newest({ after: ms('2027-01-01T00:00Z'), until }, 2)).toEqual([until - 1500, until - 500]);
    expect(performance.now() - started).toBeLessThan(100);
  });

  it('at fires once', () => {
    const slots = slotsOf(at('2027-01-01T00:00:00Z'), {});
    expect(slots.next(0)).toBe(ms('2027-01-01T00:00:00Z'));
    expect(slots.next(ms('2027-01-01T00:00:00Z'))).toBeUndefined();
  });

  it('refuses what is no time', () => {
    expect(() => every('30')).toThrow('every: 30 ms is too short: at least 100 ms (numbers are milliseconds');
    expect(() => every(-5)).toThrow('not a duration');
    expect(() => at('tomorrow')).toThrow('not a time');
  });
});

/** What `celery.schedules.crontab` of Celery 5.6.3 answers when it is walked through the night, in local time. */
describe('crontab.celery when clocks change', () => {
  const local = (when: ReturnType<typeof crontab>, from: string, until: string, tz: string): string[] =>
    slotsBetween(when, from, until).map((slot) =>
      new Date(slot).toLocaleTimeString('en-GB', { timeZone: tz, hour: '2-digit', minute: '2-digit' }),
    );
  it.each([
    ['Europe/Paris', '2026-03-28T23:00Z', '30 2 * * *', '03:30'],
    ['Europe/Paris', '2026-03-28T23:00Z', '0 2 * * *', '03:00'],
    ['Europe/Paris', '2026-03-28T23:00Z', '*/30 1-4 * * *', '01:00 01:30 03:00 03:30 04:00 04:30'],
    ['Europe/Paris', '2026-03-28T23:00Z', '15 1-4 * * *', '01:15 03:15 04:15'],
    ['Europe/Paris', '2026-03-28T23:00Z', '0 */2 * * *', '00:00 03:00 04:00 06:00 08:00 10:00 12:00'],
    ['Europe/Paris', '2026-10-24T22:00Z', '30 2 * * *', '02:30'],
    ['Europe/Paris', '2026-10-24T22:00Z', '*/30 1-3 * * *', '01:00 01:30 02:00 02:30 03:00 03:30'],
    ['Europe/Paris', '2026-10-24T22:00Z', '0 */2 * * *', '00:00 02:00 04:00 06:00 08:00 10:00'],
    ['America/New_York', '2026-03-08T05:00Z', '30 2 * * *', '03:30'],
    ['America/New_York', '2026-11-01T04:00Z', '30 1 * * *', '01:30'],
    ['America/New_York', '2026-11-01T04:00Z', '*/30 0-2 * * *', '00:00 00:30 01:00 01:30 02:00 02:30'],
    ['UTC', '2026-03-29T00:00Z', '30 2 * * *', '02:30'],
  ])('%s from %s: %s', (tz, from, line, expected) => {
    const until = new Date(ms(from) + 11.5 * 3_600_000).toISOString();
    expect(local(crontab.celery(line, { tz }), from, until, tz)).toEqual(expected.split(' '));
  });

  it('refuses what Celery has no form for', () => {
    expect(() => crontab.celery('* * * * * *')).toThrow('no seconds');
    expect(() => crontab.celery('0 0 L * *')).toThrow('neither "L" nor "#"');
  });
});
