import { BrokerUrlError } from '@lovage/core/driver';

/** A Redis server's address. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** What a Redis URL names. */
export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** The server; the sentinels; or the cluster nodes to start from. */
  readonly hosts: readonly RedisHost[];
  readonly db: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Sentinel: the name of the master. */
  readonly masterName?: string;
  /**
   * `?queueEvents=true`, BullMQ only: jobs are told to BullMQ's event stream when they are added, begun and completed, as BullMQ
   * itself does. Nothing of Lovage reads it, and it costs a tenth of the rate.
   */
  readonly queueEvents: boolean;
  /** The URL without its password, for people. */
  readonly display: string;
}

/** The schemes of this driver. */
export const redisSchemes: readonly string[] = [
  'redis',
  'rediss',
  'redis+sentinel',
  'rediss+sentinel',
  'redis+cluster',
  'rediss+cluster',
];

/** The schemes of the Streams driver: the same places, another broker. */
export const streamsSchemes: readonly string[] = redisSchemes.map((scheme) => scheme.replace(/^rediss?/, '$&+streams'));

const examples: Readonly<Record<RedisTarget['kind'], string>> = {
  single: 'redis://user:password@localhost:6379/0',
  sentinel: 'redis+sentinel://:password@sentinel1:26379,sentinel2:26379/mymaster/0',
  cluster: 'redis+cluster://node1:6379,node2:6379',
};
const defaultPorts: Readonly<Record<RedisTarget['kind'], number>> = { single: 6379, sentinel: 26379, cluster: 6379 };

/**
 * Reads a Redis URL. `URL` cannot: it knows one host only, and drops what it does not understand.
 * Throws {@link BrokerUrlError}, which names what is wrong and a right example, and never the password.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const match =
    /^(rediss?(?:\+streams)?(?:\+(sentinel|cluster))?):\/\/(?:(.*)@)?([^/?#@]*)(?:\/([^?#]*))?(\?[^#]*)?$/.exec(url);
  if (!match) throw new BrokerUrlError(`not a Redis URL; a right one is ${examples.single}`);
  const [, scheme = '', kindText, auth, hostText = '', path = '', query] = match;
  const kind = (kindText ?? 'single') as RedisTarget['kind'];
  const fail = (problem: string): never => {
    throw new BrokerUrlError(
      `${problem} in the URL ${hide(scheme, auth, hostText, path)}; a right one is ${examples[kind]}`,
    );
  };
  const hosts = hostText.split(',').map((text) => parseHost(text, defaultPorts[kind], fail));
  if (kind === 'single' && hosts.length > 1)
    fail('more than one host (for several, use redis+sentinel or redis+cluster)');
  const { masterName, dbText } = splitPath(kind, path, fail);
  return {
    kind,
    hosts,
    db: parseDb(dbText, kind, fail),
    tls: scheme.startsWith('rediss'),
    queueEvents: readQuery(query, scheme, fail),
    ...credentials(auth, fail),
    ...(masterName === undefined ? {} : { masterName }),
    display: hide(scheme, auth, hostText, path),
  };
}

type Fail = (problem: string) => never;

/** Whether the query asks for queue events, which is all that it can ask for. */
function readQuery(query: string | undefined, scheme: string, fail: Fail): boolean {
  const known = scheme.includes('streams') ? [] : ['queueEvents'];
  const asked = new URLSearchParams(query);
  for (const [name, value] of asked) {
    if (!known.includes(name)) fail(`unknown query "?${name}"`); // its value may be a secret
    if (value !== 'true' && value !== 'false') fail(`the value of "?${name}" is neither true nor false`);
  }
  return asked.get('queueEvents') === 'true';
}

function hide(scheme: string, auth: string | undefined, hosts: string, path: string): string {
  const user = auth?.split(':')[0];
  const shownAuth = auth === undefined ? '' : `${auth.includes(':') ? `${user}:***` : user}@`;
  return `${scheme}://${shownAuth}${hosts}${path && `/${path}`}`;
}

function parseHost(text: string, defaultPort: number, fail: Fail): RedisHost {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*)(?::(.*))?$/.exec(text);
  if (!match) return fail(`"${text}" is not a host`);
  const [, host = '', portText] = match;
  if (host === '' && portText === undefined) return { host: 'localhost', port: defaultPort };
  const port = portText === undefined ? defaultPort : Number(portText);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return fail(`"${portText}" is not a port`);
  return { host: host === '' ? 'localhost' : host.replace(/^\[|\]$/g, ''), port };
}

function splitPath(kind: RedisTarget['kind'], path: string, fail: Fail): { masterName?: string; dbText: string } {
  if (kind !== 'sentinel') return { dbText: path };
  const [masterName = '', dbText = '', ...rest] = path.split('/');
  if (masterName === '') fail("the master's name is missing");
  if (rest.length > 0) fail(`too long a path "/${path}"`);
  return { masterName: decode(masterName, fail), dbText };
}

function parseDb(text: string, kind: RedisTarget['kind'], fail: Fail): number {
  if (text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) return fail(`"${text}" is not a database number`);
  if (kind === 'cluster' && text !== '0') return fail(`database ${text} (a Redis cluster has only database 0)`);
  return Number(text);
}

function credentials(auth: string | undefined, fail: Fail): { username?: string; password?: string } {
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
