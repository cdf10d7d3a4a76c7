import { readFileSync } from 'node:fs';
import { BrokerUrlError, closestName } from '@lovage/core/driver';

export const postgresSchemes: readonly string[] = ['postgres', 'postgresql'];

/** TLS as `pg` takes it: off, or Node's options of `tls.connect`. */
export type PostgresTls = false | Readonly<Record<string, unknown>>;

/** What a URL says. */
export interface PostgresTarget {
  /** The URL without its password, for people. */
  readonly display: string;
  /** Absent parts are taken from `PGHOST`, `PGUSER` and so on, as by `psql`. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  /** Where Lovage's tables are. */
  readonly schema: string;
  readonly tls: PostgresTls;
  /** Connections of one process, beside the one that listens. */
  readonly max: number;
  /** Migrates the schema at the first use. */
  readonly migrates: boolean;
  readonly applicationName: string;
}

const parameters = [
  'schema',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'max',
  'migrate',
  'host',
  'application_name',
];
const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify'];
/** PostgreSQL cuts longer names off. In bytes. */
const longestName = 63;

type Fail = (why: string) => never;
type Value = (name: string) => string | undefined;

/** Reads a `postgres://` URL. Throws {@link BrokerUrlError} that says what is wrong, without the password. */
export function parsePostgresUrl(text: string, prefix: string | undefined, tls?: object): PostgresTarget {
  const display = text.replace(/^([a-z]+:\/\/[^:@/]*):.*@/i, '$1:***@').replace(/[?#].*$/, '');
  const fail: Fail = (why) => {
    throw new BrokerUrlError(`"${display}" is not a PostgreSQL URL: ${why}`);
  };
  const url = readUrl(text, fail);
  for (const name of url.searchParams.keys()) {
    if (!parameters.includes(name))
      fail(`it has no parameter "${name}"${closest(name)}: there are ${parameters.join(', ')}`);
  }
  const value: Value = (name) => url.searchParams.get(name) ?? undefined;
  return {
    display,
    ...readPlace(url, value, fail),
    schema: readSchema(value('schema') ?? prefix ?? 'lovage', fail),
    tls: readTls(value, fail, tls),
    max: readMax(value('max') ?? '10', fail),
    migrates: readMigrates(value('migrate') ?? 'manual', fail),
    applicationName: value('application_name') ?? 'lovage',
  };
}

function readUrl(text: string, fail: Fail): URL {
  try {
    const url = new URL(text);
    return url.hostname.includes(',') ? fail('it names several hosts: write one name that leads to the primary') : url;
  } catch (error) {
    if (error instanceof BrokerUrlError) throw error;
    return fail(
      'expected postgres://user:password@host:5432/database; what is special in a password is written %40 and so on',
    );
  }
}

/** Parts that are not there are left out. */
function readPlace(
  url: URL,
  value: Value,
  fail: Fail,
): Pick<PostgresTarget, 'host' | 'port' | 'user' | 'password' | 'database'> {
  const parts = {
    host: (value('host') ?? url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port),
    user: decoded(url.username, fail),
    password: decoded(url.password, fail),
    database: decoded(url.pathname.slice(1), fail),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== '' && part !== 0));
}

function readSchema(name: string, fail: Fail): string {
  if (name !== '' && !name.includes('\0') && Buffer.byteLength(name) <= longestName) return name;
  return fail(`the schema (or prefix) ${JSON.stringify(name)} is no name of 1 to ${longestName} bytes`);
}

function readMax(text: string, fail: Fail): number {
  const max = Number(text);
  return Number.isInteger(max) && max >= 1 ? max : fail(`max=${text} is not a number of connections`);
}

function readMigrates(text: string, fail: Fail): boolean {
  return text === 'auto' || text === 'manual' ? text === 'auto' : fail(`migrate=${text} is neither auto nor manual`);
}

function closest(name: string): string {
  const known = closestName(name, parameters);
  return known === undefined ? '' : ` (did you mean ${known}?)`;
}

function decoded(text: string, fail: Fail): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail('a % in it is followed by no two hexadecimal digits: write %25');
  }
}

/** Encrypted and verified unless it says otherwise: `require` is no weaker than `verify-full`, `no-verify` says what it is. */
function readTls(value: Value, fail: Fail, given: object | undefined): PostgresTls {
  const mode = value('sslmode');
  if (mode === undefined || mode === 'disable') return false;
  if (!tlsModes.includes(mode)) fail(`sslmode=${mode} is none of ${tlsModes.join(', ')}`);
  const file = (name: string): string | undefined => {
    const path = value(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      return fail(`${name}: ${(error as Error).message}`);
    }
  };
  const [ca, cert, key] = [file('sslrootcert'), file('sslcert'), file('sslkey')];
  return {
    rejectUnauthorized: mode !== 'no-verify',
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...given,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
