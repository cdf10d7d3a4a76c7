import { BrokerUrlError } from '@lovage/core/driver';
import type { BigIntegers } from '../protocol/python-json.ts';

/** What a `celery+amqp` URL names. */
export interface AmqpTarget {
  readonly hostname: string;
  readonly port: number;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly tls: boolean;
  /** How queues that are not there yet are declared. */
  readonly queueType: 'classic' | 'quorum';
  /** `x-max-priority` of queues that are not there yet; undefined: none. */
  readonly maxPriority: number | undefined;
  readonly integers: BigIntegers;
  /** The URL without its password, for people. */
  readonly display: string;
}

export const amqpSchemes: readonly string[] = ['celery+amqp', 'celery+amqps'];

const example = 'celery+amqp://guest:guest@localhost:5672//';
const pattern =
  /^celery\+(amqps?):\/\/(?:([^:@]*)(?::(.*))?@)?(\[[^\]]+\]|[^:/?#@]*)(?::(\d+))?(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/** Reads the URL, the virtual host as kombu does: none and `/` are both `/`. Throws {@link BrokerUrlError}. */
export function parseAmqpUrl(url: string): AmqpTarget {
  const match = pattern.exec(url);
  if (!match) throw new BrokerUrlError(`not a URL of Celery on RabbitMQ; a right one is ${example}`);
  const [, scheme = '', user = 'guest', password, host = '', port, path = '', query = ''] = match;
  const tls = scheme === 'amqps';
  const shownAuth = match[2] === undefined ? '' : `${user}${password === undefined ? '' : ':***'}@`;
  const display = `celery+${scheme}://${shownAuth}${host}${port ? `:${port}` : ''}/${path}`;
  const fail = (problem: string): never => {
    throw new BrokerUrlError(`${problem} in the URL ${display}; a right one is ${example}`);
  };
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return fail('a "%" that escapes nothing');
    }
  };
  return {
    hostname: host.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port ?? (tls ? 5671 : 5672)),
    vhost: path === '' || path === '/' ? '/' : decode(path.replace(/^\//, '')),
    username: decode(user),
    password: decode(password ?? 'guest'),
    tls,
    ...readQuery(new URLSearchParams(query), fail),
    display,
  };
}

const known = ['queue_type', 'max_priority', 'integers'];

function readQuery(
  query: URLSearchParams,
  fail: (problem: string) => never,
): Pick<AmqpTarget, 'queueType' | 'maxPriority' | 'integers'> {
  for (const name of query.keys())
    if (!known.includes(name)) fail(`unknown query "?${name}" (known: ${known.join(', ')})`);
  const queueType = query.get('queue_type') ?? 'classic';
  const integers = query.get('integers') ?? 'number';
  const priority = query.get('max_priority');
  if (queueType !== 'classic' && queueType !== 'quorum')
    return fail(`queue_type "${queueType}" is neither classic nor quorum`);
  if (integers !== 'number' && integers !== 'bigint')
    return fail(`integers "${integers}" is neither number nor bigint`);
  if (priority !== null && !/^([1-9]\d?|1\d\d|2[0-4]\d|25[0-5])$/.test(priority))
    fail(`max_priority "${priority}" is not from 1 to 255`);
  if (priority !== null && queueType === 'quorum') fail('max_priority with queue_type=quorum, which RabbitMQ refuses,');
  return { queueType, integers, maxPriority: priority === null ? undefined : Number(priority) };
}
