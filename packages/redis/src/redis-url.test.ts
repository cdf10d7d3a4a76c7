import { BrokerUrlError } from '@lovage/core/driver';
import { describe, expect, it } from 'vitest';
import { parseRedisUrl } from './redis-url.ts';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { kind: 'single', hosts: [{ host: 'localhost', port: 6379 }], db: 0, tls: false }],
    ['redis://', { hosts: [{ host: 'localhost', port: 6379 }] }],
    ['redis://:6380', { hosts: [{ host: 'localhost', port: 6380 }] }],
    ['redis://10.0.0.1:7000/15', { hosts: [{ host: '10.0.0.1', port: 7000 }], db: 15 }],
    ['redis://[::1]:7000/', { hosts: [{ host: '::1', port: 7000 }], db: 0 }],
    ['rediss://h', { kind: 'single', tls: true }],
    ['redis://:p%40ss%2Fword@h', { password: 'p@ss/word' }],
    ['redis://me@h', { username: 'me' }],
    ['redis://me:a:b@h', { username: 'me', password: 'a:b' }],
    ['redis://me:a@b@h', { username: 'me', password: 'a@b', hosts: [{ host: 'h', port: 6379 }] }],
    [
      'redis+sentinel://:pw@h1,h2:26380/mymaster/3',
      {
        kind: 'sentinel',
        hosts: [
          { host: 'h1', port: 26379 },
          { host: 'h2', port: 26380 },
        ],
        masterName: 'mymaster',
        db: 3,
        password: 'pw',
      },
    ],
    ['rediss+sentinel://h1/mymaster', { kind: 'sentinel', tls: true, masterName: 'mymaster', db: 0 }],
    [
      'redis+cluster://h1:1,h2',
      {
        kind: 'cluster',
        hosts: [
          { host: 'h1', port: 1 },
          { host: 'h2', port: 6379 },
        ],
      },
    ],
    ['redis://h', { queueEvents: false }],
    ['redis://h/1?queueEvents=true', { db: 1, queueEvents: true, display: 'redis://h/1' }],
    ['redis+sentinel://h/m?queueEvents=false', { queueEvents: false }],
    ['rediss+cluster://h1/0', { kind: 'cluster', tls: true, db: 0 }],
  ])('reads %s', (url, expected) => {
    expect(parseRedisUrl(url)).toMatchObject(expected);
  });

  it.each([
    ['redis://h:port', '"port" is not a port'],
    ['redis://h:0', '"0" is not a port'],
    ['redis://h:70000', '"70000" is not a port'],
    ['redis://h/zero', '"zero" is not a database number'],
    ['redis://h/-1', '"-1" is not a database number'],
    ['redis://h1,h2', 'more than one host'],
    ['redis://h h', 'is not a host'],
    ['redis://h?db=1', 'unknown query "?db"'],
    ['redis://h?queueEvents=on', 'the value of "?queueEvents" is neither true nor false'],
    ['redis+streams://h?queueEvents=true', 'unknown query "?queueEvents"'],
    ['redis+sentinel://h1', "the master's name is missing"],
    ['redis+sentinel://h1/m/0/x', 'too long a path'],
    ['redis+cluster://h1/2', 'only database 0'],
    ['redis://:%zz@h', 'a "%" that escapes nothing'],
    ['http://h', 'not a Redis URL'],
    ['localhost:6379', 'not a Redis URL'],
    ['', 'not a Redis URL'],
  ])('says of %s what is wrong, and a right one', (url, problem) => {
    expect(() => parseRedisUrl(url)).toThrow(BrokerUrlError);
    expect(() => parseRedisUrl(url)).toThrow(problem);
    expect(() => parseRedisUrl(url)).toThrow(/a right one is rediss?(\+\w+)?:\/\//);
  });

  it.each([
    ['redis://:secret@h/1', 'redis://:***@h/1'],
    ['redis://me:secret@h', 'redis://me:***@h'],
    ['redis://me:se@cret@h', 'redis://me:***@h'],
    ['redis+sentinel://:secret@h1,h2/m', 'redis+sentinel://:***@h1,h2/m'],
    ['redis://h', 'redis://h'],
  ])('hides the password of %s', (url, display) => {
    expect(parseRedisUrl(url).display).toBe(display);
  });

  it.each(['redis://:secret@h:port', 'redis://:secret@h1,h2', 'x://:secret@h', 'redis://:sec/ret@h/zero'])(
    'never shows the password of a bad URL: %s',
    (url) => {
      let message = '';
      try {
        parseRedisUrl(url);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).not.toBe('');
      expect(message).not.toMatch(/sec/);
    },
  );
});
