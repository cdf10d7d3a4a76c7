import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors.ts';
import { formatDuration, parseDuration, parseInstant, parseRate, parseSize } from './duration.ts';

/** Things that are no duration, time, size or rate, and must be refused by name, whatever they are. */
const nonsense = [
  undefined,
  null,
  true,
  {},
  [],
  Number.NaN,
  '',
  ' ',
  'abc',
  '1constructor',
  Symbol('s'),
  Object.create(null),
  () => 1,
];

describe('parseDuration', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1h 30m', 5_400_000],
    ['1.5s', 1500],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1w2d3h4m5s6ms', 788_645_006],
    ['1500', 1500],
    ['0s', 0],
  ])('reads %j as %j ms', (text, ms) => {
    expect(parseDuration(text, 'option')).toBe(ms);
  });

  it('gives whole milliseconds, which the wire takes', () => {
    expect(parseDuration(0.6, 'option')).toBe(1);
    expect(parseDuration('0.0004s', 'option')).toBe(0);
    expect(parseDuration(1000 / 3, 'option')).toBe(333);
  });

  it.each([
    ...nonsense,
    -1,
    '-5s',
    '5 parsecs',
    '5S',
    'm5',
    '1.5',
    '1e3s',
    Number.POSITIVE_INFINITY,
    1e300,
    '9'.repeat(400),
    `${'9'.repeat(400)}s`,
    new Date(),
  ])('refuses case %#', (value) => {
    expect(() => parseDuration(value, 'retryBackoff')).toThrow(ConfigurationError);
    expect(() => parseDuration(value, 'retryBackoff')).toThrow(/^retryBackoff: /);
  });

  it('reads back what it formats, for whole units', () => {
    for (const unit of [1, 1000, 60_000, 3_600_000, 86_400_000]) {
      for (let count = 1; count < 60; count += 7) {
        if (unit === 3_600_000 && count >= 24) continue;
        expect(parseDuration(formatDuration(count * unit), 'option')).toBe(count * unit);
      }
    }
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1000, '1s'],
    [1500, '1.5s'],
    [90_000, '1.5m'],
    [5_400_000, '1.5h'],
    [86_400_000, '1d'],
  ])('writes %d as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('parseInstant', () => {
  const time = Date.UTC(2027, 0, 31, 8);

  it.each([
    [new Date(time)],
    [time],
    ['2027-01-31T08:00:00Z'],
    ['2027-01-31T08:00:00.000Z'],
    ['2027-01-31T09:00:00+01:00'],
    ['2027-01-31T03:00-05:00'],
  ])('reads %j', (value) => {
    expect(parseInstant(value, 'eta')).toBe(time);
  });

  it('gives whole milliseconds from 1970 on, which the wire takes', () => {
    expect(parseInstant(12.6, 'eta')).toBe(13);
    expect(parseInstant(new Date('1969-07-20T20:17:40Z'), 'expires')).toBe(0);
  });

  it.each([
    ...nonsense,
    '2027-01-31T08:00:00',
    '2027-01-31',
    '31.1.2027',
    new Date(Number.NaN),
    '2027-13-01T00:00:00Z',
    1e300,
    Number.POSITIVE_INFINITY,
  ])('refuses case %#', (value) => {
    expect(() => parseInstant(value, 'eta')).toThrow(ConfigurationError);
  });
});

describe('parseSize', () => {
  it.each([
    [0, 0],
    [1024, 1024],
    ['1MiB', 1_048_576],
    ['500kB', 500_000],
    ['1.5 GiB', 1_610_612_736],
    ['10', 10],
    ['10b', 10],
  ])('reads %j as %d bytes', (text, bytes) => {
    expect(parseSize(text, 'maxPayload')).toBe(bytes);
  });

  it.each([...nonsense, -1, 1.5, '1TiB', '1 valueof', '9'.repeat(400), Number.POSITIVE_INFINITY])(
    'refuses case %#',
    (value) => {
      expect(() => parseSize(value, 'maxPayload')).toThrow(ConfigurationError);
    },
  );
});

describe('parseRate', () => {
  it.each([
    ['10/s', 10, 1000],
    ['100/m', 100, 60_000],
    ['5/h', 5, 3_600_000],
    ['1/d', 1, 86_400_000],
    ['0.5/s', 0.5, 1000],
    [7, 7, 1000],
  ])('reads %j', (text, count, period) => {
    expect(parseRate(text, 'rateLimit')).toEqual({ count, period });
  });

  it.each([...nonsense, 0, -1, '0/s', '10', '10/w', '/s', '-1/s', Number.POSITIVE_INFINITY])(
    'refuses case %#',
    (value) => {
      expect(() => parseRate(value, 'rateLimit')).toThrow(ConfigurationError);
    },
  );
});
