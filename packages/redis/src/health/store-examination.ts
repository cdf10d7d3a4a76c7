import type { Finding, StoreReport } from '@lovage/core/driver';
import { bullWorkerName, clientNames } from '../bullmq/queue-owner.ts';
import { isCluster, type RedisClient } from '../connection.ts';
import type { Keys } from '../keys.ts';
import type { RedisTarget } from '../redis-url.ts';
import { isForbidden } from '../store-errors.ts';

/** What an examination needs beside a client. */
export interface Examined {
  readonly report: StoreReport;
  readonly keys: Keys;
  readonly target: RedisTarget;
}

/** From this share of a limit on, there is a warning. */
const nearLimit = 0.8;
/** Connections of one worker on two queues, about. */
const perWorker = 6;

/** All that can be wrong with a Redis, for `lovage doctor`: what is well is said too. */
export async function examineStore(
  client: RedisClient,
  { report, keys, target }: Examined,
): Promise<readonly Finding[]> {
  const info = await quiet(client.info());
  const warnings = report.warnings.map((message): Finding => {
    const [what = message, fix] = message.split(/: (?=set |upgrade |switch )/);
    return {
      check: checkOf(message),
      state: 'warning',
      message: `${what.replace(/[.]$/, '')}.`,
      ...(fix ? { fix: fix.replace(/[.]$/, '') } : {}),
    };
  });
  return [
    ...(warnings.length === 0
      ? [{ check: 'durability', state: 'ok' as const, message: 'Redis keeps tasks on disk and evicts none.' }]
      : warnings),
    ...memoryFindings(valuesOf(info)),
    ...(await connectionFindings(client, valuesOf(info))),
    ...clusterFindings(valuesOf(info), keys, target),
    ...(await permissionFindings(client, keys)),
    ...(await foreignWorkers(client, keys)),
  ];
}

function checkOf(message: string): string {
  if (message.includes('older than')) return 'version';
  if (message.includes('evict')) return 'eviction';
  return message.includes('disk') || message.includes('append-only') ? 'persistence' : 'store';
}

type Values = (name: string) => string | undefined;

function valuesOf(info: string | undefined): Values {
  return (name) => (info === undefined ? undefined : new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]);
}

function memoryFindings(value: Values): readonly Finding[] {
  const [used, most] = [Number(value('used_memory') ?? 0), Number(value('maxmemory') ?? 0)];
  if (most === 0)
    return [{ check: 'memory', state: 'ok', message: `Redis holds ${mebibytes(used)}, without a limit of its own.` }];
  const message = `Redis holds ${mebibytes(used)} of ${mebibytes(most)}.`;
  if (used < most * nearLimit) return [{ check: 'memory', state: 'ok', message }];
  return [
    { check: 'memory', state: 'problem', message, fix: 'raise maxmemory, or keep less: retention (docs/results.md)' },
  ];
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

async function connectionFindings(client: RedisClient, value: Values): Promise<readonly Finding[]> {
  const reply = (await quiet(client.config('GET', 'maxclients'))) as readonly string[] | undefined;
  const [open, most] = [Number(value('connected_clients') ?? 0), Number(value('maxclients') ?? reply?.[1] ?? 0)];
  if (open === 0 || most === 0) return [];
  const message = `${open} of ${most} connections are open; a worker takes about ${perWorker}.`;
  if (open < most * nearLimit) return [{ check: 'connections', state: 'ok', message }];
  return [
    {
      check: 'connections',
      state: 'problem',
      message,
      fix: 'raise maxclients, or run fewer and larger workers (--concurrency)',
    },
  ];
}

function clusterFindings(value: Values, { sameSlot }: Keys, { kind }: RedisTarget): readonly Finding[] {
  const clustered = value('cluster_enabled') === '1';
  if (clustered && kind !== 'cluster')
    return [
      {
        check: 'cluster',
        state: 'problem',
        message: 'This Redis is a cluster, and the URL is for a single one.',
        fix: 'use redis+cluster:// or redis+streams+cluster://',
      },
    ];
  if (kind !== 'cluster') return [];
  const message = sameSlot
    ? 'All keys share one slot, and so one master: the prefix has a hash tag.'
    : 'Queues and results spread over the slots.';
  return [
    {
      check: 'cluster',
      state: sameSlot ? 'warning' : 'ok',
      message,
      ...(sameSlot ? { fix: 'leave the braces out of `prefix` to use all masters' } : {}),
    },
  ];
}

/** Tries what everything needs, on keys of its own. */
async function permissionFindings(client: RedisClient, keys: Keys): Promise<readonly Finding[]> {
  const key = keys.lease('doctor');
  const channel = keys.busTopic('doctor');
  const tries: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['+@write on its keys', () => client.set(key, '1', 'PX', 1_000)],
    ['+eval', () => client.eval("return redis.call('PTTL', KEYS[1])", 1, key)],
    ['+publish, and the channel', () => client.publish(channel, '')],
    ['+client|setname', () => client.client('ID')],
    ['+@stream', () => client.xlen(`${key}:none`)],
    ['+del', () => client.del(key)],
  ];
  const refused: string[] = [];
  for (const [right, attempt] of tries) {
    const error = await attempt().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (isForbidden(error)) refused.push(right);
  }
  if (refused.length === 0)
    return [{ check: 'permissions', state: 'ok', message: 'The user may run what everything needs.' }];
  const rules = `~lovage:* ~bull:* &lovage:* ${refused.join(' ')}`;
  return [
    {
      check: 'permissions',
      state: 'problem',
      message: `The user lacks rights: ${refused.join('; ')}.`,
      fix: `grant them by ACL SETUSER: ${rules}`,
    },
  ];
}

/** Workers of BullMQ without Lovage on queues of ours: they would take tasks and complete them unrun. */
async function foreignWorkers(client: RedisClient, keys: Keys): Promise<readonly Finding[]> {
  if (isCluster(client)) return []; // each node has a list of its own
  const list = await quiet(client.client('LIST') as Promise<string>);
  const queues = await quiet(client.smembers(keys.queues));
  if (list === undefined || queues === undefined) return [];
  const names = clientNames(list);
  return queues.flatMap((queue): readonly Finding[] => {
    if (!names.has(bullWorkerName({ keys, queue }))) return [];
    const message = `A BullMQ worker that is not Lovage's takes jobs from queue "${queue}".`;
    return [{ check: 'foreign', state: 'problem', message, fix: 'give the app a `prefix`, or end that worker' }];
  });
}

/** undefined where the user may not ask. */
async function quiet<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}
