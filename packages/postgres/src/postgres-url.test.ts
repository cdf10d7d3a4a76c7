import { BrokerUrlError } from '@lovage/core/driver';
import { describe, expect, it } from 'vitest';
import { parsePostgresUrl } from './postgres-url.ts';

const read = (url: string, prefix?: string) => parsePostgresUrl(url, prefix);

describe('a postgres:// URL', () => {
  it('names the server, the user, the database and the schema', () => {
    expect(read('postgres://app:p%40ss@db.example:5433/shop?schema=tasks&max=3&migrate=auto')).toEqual({
      display: 'postgres://app:***@db.example:5433/shop',
      ...{ host: 'db.example', port: 5433, user: 'app', password: 'p@ss', database: 'shop' },
      ...{ schema: 'tasks', tls: false, max: 3, migrates: true, applicationName: 'lovage' },
    });
  });

  it('leaves to pg what it does not say', () => {
    const target = read('postgresql://');
    expect(target).toMatchObject({ schema: 'lovage', max: 10, migrates: false, tls: false });
    for (const part of ['host', 'port', 'user', 'password', 'database']) expect(target).not.toHaveProperty(part);
  });

  it('takes the prefix of the app as the schema, a socket as the host, and IPv6', () => {
    expect(read('postgres://u@h/d', 'shop').schema).toBe('shop');
    expect(read('postgres:///d?host=/run/postgresql').host).toBe('/run/postgresql');
    expect(read('postgres://u@[::1]:5432/d').host).toBe('::1');
  });

  it('verifies certificates unless it says otherwise', () => {
    expect(read('postgres://h/d?sslmode=require').tls).toMatchObject({ rejectUnauthorized: true });
    expect(read('postgres://h/d?sslmode=no-verify').tls).toMatchObject({ rejectUnauthorized: false });
    expect(read('postgres://h/d?sslmode=disable').tls).toBe(false);
    expect(parsePostgresUrl('postgres://h/d?sslmode=verify-full', undefined, { ca: 'pem' }).tls).toMatchObject({
      rejectUnauthorized: true,
      ca: 'pem',
    });
  });

  it.each([
    ['postgres://u:secret@h/d?sslmod=require', 'it has no parameter "sslmod" (did you mean sslmode?)'],
    ['postgres://u:secret@h/d?sslmode=on', 'sslmode=on is none of disable'],
    ['postgres://u:secret@h/d?sslmode=require&sslrootcert=/nowhere/ca.pem', 'sslrootcert: ENOENT'],
    ['postgres://u:secret@a,b/d', 'it names several hosts'],
    ['postgres://u:secret@h:port/d', 'expected postgres://user:password@host:5432/database'],
    ['postgres://u:se%cret@h/d', 'is followed by no two hexadecimal digits'],
    ['postgres://u:secret@h/d?max=0', 'max=0 is not a number of connections'],
    ['postgres://u:secret@h/d?migrate=yes', 'migrate=yes is neither auto nor manual'],
    [`postgres://u:secret@h/d?schema=${'ž'.repeat(32)}`, 'is no name of 1 to 63 bytes'],
  ])('refuses %s, without its password', (url, message) => {
    expect(() => read(url)).toThrow(BrokerUrlError);
    expect(() => read(url)).toThrow(message);
    expect(() => read(url)).not.toThrow(/secret|se%cret/);
  });
});
