import type { JsonValue } from '@lovage/core/driver';
import { type Fields, isFields } from '../protocol/json-schema.ts';

/** A command of ours as Celery's, and its answer as ours. */
interface Word {
  readonly method: string;
  readonly args: (args: Fields) => Fields;
  readonly reply?: (reply: JsonValue, worker: string, args: Fields) => JsonValue;
}

const none = (): Fields => ({});
const seconds = (ms: JsonValue | undefined): JsonValue => (typeof ms === 'number' ? ms / 1_000 : null);

const words: Readonly<Record<string, Word>> = {
  ping: { method: 'ping', args: none },
  stats: { method: 'stats', args: none, reply: reportOf },
  active: { method: 'active', args: () => ({ safe: null }), reply: (reply) => runningOf(reply) },
  registered: {
    method: 'registered',
    args: ({ taskinfoitems = [] }) => ({ taskinfoitems }),
    reply: (reply, _worker, { taskinfoitems }) => (taskinfoitems === undefined ? namesOf(reply) : reply),
  },
  query: { method: 'query_task', args: ({ ids = [] }) => ({ ids }), reply: queriedOf },
  revoked: { method: 'revoked', args: none },
  conf: { method: 'conf', args: () => ({ with_defaults: false }) },
  terminate: { method: 'revoke', args: ({ ids = [] }) => ({ task_id: ids, terminate: true, signal: 'SIGTERM' }) },
  'time-limit': {
    method: 'time_limit',
    args: ({ task = null, soft, hard }) => ({ task_name: task, soft: seconds(soft), hard: seconds(hard) }),
  },
  'rate-limit': {
    method: 'rate_limit',
    args: ({ task = null, rate }) => ({
      task_name: task,
      rate_limit: typeof rate === 'number' ? `${rate}/s` : (rate ?? 0),
    }),
  },
  'pool-grow': { method: 'pool_grow', args: ({ n = 1 }) => ({ n }) },
  'pool-shrink': { method: 'pool_shrink', args: ({ n = 1 }) => ({ n }) },
  autoscale: { method: 'autoscale', args: ({ max = null, min = null }) => ({ max, min }) },
  'add-consumer': {
    method: 'add_consumer',
    args: ({ queue = null }) => ({ queue, exchange: null, exchange_type: 'direct', routing_key: null }),
  },
  'cancel-consumer': { method: 'cancel_consumer', args: ({ queue = null }) => ({ queue }) },
  'enable-events': { method: 'enable_events', args: none },
  'disable-events': { method: 'disable_events', args: none },
  shutdown: { method: 'shutdown', args: none },
};

/** Celery's command for one of ours; undefined where it has none. */
export function toCeleryCommand(
  command: string,
  args: Fields,
): { readonly method: string; readonly arguments: Fields } | undefined {
  const word = Object.hasOwn(words, command) ? words[command] : undefined;
  return word && { method: word.method, arguments: word.args(args) };
}

/** What one worker answered, as a worker of ours would have. */
export function fromCeleryReply(
  { command, args }: { readonly command: string; readonly args: Fields },
  worker: string,
  reply: JsonValue,
): Fields {
  if (isFields(reply) && typeof reply.error === 'string') return { worker, error: reply.error };
  const plain = isFields(reply) && Object.keys(reply).length === 1 && 'ok' in reply ? (reply.ok ?? null) : reply;
  return { worker, reply: words[command]?.reply?.(plain, worker, args) ?? plain };
}

/** A worker of ours says all; of Python's, what it says fits the same report. */
function reportOf(reply: JsonValue, worker: string): JsonValue {
  if (!isFields(reply)) return reply;
  if (isFields(reply.lovage)) return reply.lovage;
  const pool = isFields(reply.pool) ? reply.pool : {};
  const total = isFields(reply.total) ? reply.total : {};
  const rusage = isFields(reply.rusage) ? reply.rusage : {};
  const done = Object.values(total).reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0);
  return {
    name: worker,
    app: 'celery',
    pid: reply.pid ?? 0,
    queues: [],
    slots: pool['max-concurrency'] ?? 0,
    running: [],
    counts: { succeeded: done, failed: 0, retried: 0, revoked: 0, other: 0 },
    load: {},
    tasks: Object.keys(total),
    uptime: reply.uptime ?? 0,
    events: false,
    rss: (typeof rusage.maxrss === 'number' ? rusage.maxrss : 0) * 1_024,
    loopLag: 0,
    clockSkew: 0,
    unpolledFor: 0,
  };
}

/** Names alone: Celery puts a rate limit behind the name of a task that has one, also where nobody asked. */
function namesOf(reply: JsonValue): JsonValue {
  if (!Array.isArray(reply)) return reply;
  return (reply as readonly JsonValue[]).map((name) =>
    typeof name === 'string' ? name.replace(/ \[.*\]$/, '') : name,
  );
}

function runningOf(reply: JsonValue): JsonValue {
  if (!Array.isArray(reply)) return reply;
  return (reply as readonly JsonValue[])
    .filter(isFields)
    .map(({ id, name, delivery_info: info, time_start: start }) => ({
      id: id ?? '',
      task: name ?? '',
      queue: isFields(info) ? (info.routing_key ?? '') : '',
      runningFor: typeof start === 'number' ? Math.max(0, Math.round(Date.now() - start * 1_000)) : 0,
    }));
}

function queriedOf(reply: JsonValue): JsonValue {
  if (!isFields(reply)) return reply;
  const found = Object.values(reply) as readonly JsonValue[];
  return runningOf(
    found.flatMap((entry) => (Array.isArray(entry) && entry[0] === 'active' ? [entry[1] as JsonValue] : [])),
  );
}
