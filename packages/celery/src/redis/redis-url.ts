import { BrokerUrlError } from '@lovage/core/driver';
import type { BigIntegers } from '../protocol/python-json.ts';

/** What a `celery+redis` URL names. */
export interface RedisTarget {
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly db: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The master's name, where the hosts are sentinels. */
  readonly masterName?: string;
  readonly options: TransportOptions;
  /** The URL without its password, for people. */
  readonly display: string;
}

/** What Celery calls `broker_transport_options`: the same on every side of a fleet. */
export interface TransportOptions {
  /** After how many milliseconds an unacknowledged message is handed to another worker. */
  readonly visibilityTimeout: number;
  /** Between a queue's name and a priority step. */
  readonly sep: string;
  readonly prioritySteps: readonly number[];
  readonly keyPrefix: string | undefined;
  readonly integers: BigIntegers;
}

export const redisSchemes: readonly string[] = [
  'celery+redis',
  'celery+rediss',
  'celery+redis+sentinel',
  'celery+rediss+sentinel',
];

const examples = {
  single: 'celery+redis://:password@localhost:6379/0',
  sentinel: 'celery+redis+sentinel://:password@sentinel1:26379,sentinel2:26379/mymaster/0',
};
const pattern = /^celery\+(rediss?)(\+sentinel)?:\/\/(?:(.*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/** Reads the URL. Throws {@link BrokerUrlError}, which names what is wrong and a right example, and never the password. */
export function parseRedisUrl(url: string): RedisTarget {
  const match = pattern.exec(url);
  if (!match) throw new BrokerUrlError(`not a URL of Celery on Redis; a right one is ${examples.single}`);
  const [, scheme = '', sentinel, auth, hostText = '', path = '', query = ''] = match;
  const display = `celery+${scheme}${sentinel ?? ''}://${hideAuth(auth)}${hostText}${path && `/${path}`}`;
  const fail = (problem: string): never => {
    throw new BrokerUrlError(
      `${problem} in the URL ${display}; a right one is ${sentinel ? examples.sentinel : examples.single}`,
    );
  };
  const hosts = hostText.split(',').map((text) => readHost(text, sentinel ? 26379 : 6379, fail));
  if (!sentinel && hosts.length > 1) fail('more than one host (for several, use celery+redis+sentinel)');
  const [first = '', second = '', ...rest] = path.split('/');
  if (rest.length > 0 || (!sentinel && second !== '')) fail(`too long a path "/${path}"`);
  if (sentinel && first === '') fail("the master's name is missing");
  const dbText = sentinel ? second : first;
  if (dbText !== '' && !/^\d{1,5}$/.test(dbText)) fail(`"${dbText}" is not a database number`);
  return {
    hosts,
    db: Number(dbText || '0'),
    tls: scheme === 'rediss',
    ...readAuth(auth, fail),
    ...(sentinel ? { masterName: decode(first, fail) } : {}),
    options: readOptions(new URLSearchParams(query), fail),
    display,
  };
}

type Fail = (problem: string) => never;

function hideAuth(auth: string | undefined): string {
  if (auth === undefined) return '';
  return auth.includes(':') ? `${auth.split(':')[0]}:***@` : `${auth}@`;
}

function readHost(text: string, defaultPort: number, fail: Fail): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*)(?::(\d+))?$/.exec(text);
  if (!match) return fail(`"${text}" is not a host`);
  const port = Number(match[2] ?? defaultPort);
  if (port < 1 || port > 65_535) return fail(`"${match[2]}" is not a port`);
  return { host: match[1]?.replace(/^\[|\]$/g, '') || 'localhost', port };
}

function readAuth(auth: string | undefined, fail: Fail): { username?: string; password?: string } {
  if (auth === undefined || auth === '') return {};
  const colon = auth.indexOf(':');
  const username = decode(colon < 0 ? auth : auth.slice(0, colon), fail);
  const password = colon < 0 ? '' : decode(auth.slice(colon + 1), fail);
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function decode(text: string, fail: Fail): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail('a "%" that escapes nothing');
  }
}

const known = ['visibility_timeout', 'sep', 'priority_steps', 'global_keyprefix', 'integers'];

function readOptions(query: URLSearchParams, fail: Fail): TransportOptions {
  for (const name of query.keys())
    if (!known.includes(name)) fail(`unknown query "?${name}" (known: ${known.join(', ')})`);
  const seconds = Number(query.get('visibility_timeout') ?? 3_600);
  if (!(seconds > 0)) fail(`visibility_timeout "${query.get('visibility_timeout')}" is no number of seconds`);
  const integers = query.get('integers') ?? 'number';
  if (integers !== 'number' && integers !== 'bigint')
    return fail(`integers "${integers}" is neither number nor bigint`);
  return {
    visibilityTimeout: seconds * 1_000,
    sep: query.get('sep') ?? '\x06\x16',
    prioritySteps: readSteps(query.get('priority_steps') ?? '0,3,6,9', fail),
    keyPrefix: query.get('global_keyprefix') ?? undefined,
    integers,
  };
}

function readSteps(text: string, fail: Fail): readonly number[] {
  const steps = text.split(',').map(Number);
  const rising = steps.every(
    (step, index) => Number.isInteger(step) && step >= 0 && (index === 0 || step > (steps[index - 1] as number)),
  );
  if (rising && steps[0] === 0) return steps;
  return fail(`priority_steps "${text}" is not a rising list of whole numbers from 0`);
}
