import type { JsonValue } from '@lovage/core/driver';
import { toIsoTime } from '../protocol/iso-time.ts';
import { type Fields, isFields } from '../protocol/json-schema.ts';
import { pythonRepr } from '../protocol/python-repr.ts';
import type { CeleryConsumer } from '../worker/consumer.ts';
import type { HeldTask } from '../worker/held-task.ts';
import type { RevokedTasks } from './revoked-tasks.ts';

/** What a node's commands act on. */
export interface NodeTools {
  readonly name: string;
  readonly consumer: CeleryConsumer;
  readonly revoked: RevokedTasks;
  readonly now: () => number;
  readonly clock: () => number;
  /** The driver's name for people: the broker's URL without its password. */
  readonly display: string;
  /** Has the worker itself carry a command out. Rejects with its refusal. */
  ask(command: string, args?: Fields): Promise<JsonValue>;
  /** Tells consumers of the process that tasks were taken back. */
  onRevoked(): void;
  beat(): void;
}

type Command = (tools: NodeTools, args: Fields) => JsonValue | Promise<JsonValue>;

const ok = (text: string): Fields => ({ ok: text });

/** Celery's commands, by their names. What the worker itself can refuse it is always asked. */
export const nodeCommands: Readonly<Record<string, Command>> = {
  async ping({ ask }) {
    await ask('ping');
    return ok('pong');
  },
  async active({ ask, consumer, name }) {
    await ask('active');
    return running(consumer).map((held) => infoOf(held, name));
  },
  async reserved({ ask, consumer, name }) {
    await ask('active');
    return consumer.tasks.filter((held) => held.startedAt === undefined).map((held) => infoOf(held, name));
  },
  async scheduled({ ask, consumer, name }) {
    await ask('active');
    return consumer.waitingForTime.map((held) => ({
      eta: typeof held.task.headers.eta === 'string' ? held.task.headers.eta : toIsoTime(held.message.eta ?? 0),
      priority: 6,
      request: infoOf(held, name),
    }));
  },
  async registered({ ask }, { taskinfoitems: items }) {
    const names = await ask('registered');
    const withName = listOf(items).includes('name') && Array.isArray(names);
    return withName ? (names as readonly JsonValue[]).map((name) => `${String(name)} [name=${String(name)}]`) : names;
  },
  async query_task({ ask, consumer, name }, { ids }) {
    await ask('query', { ids: listOf(ids) });
    const asked = new Set(listOf(ids));
    const found = consumer.tasks.filter(({ message }) => asked.has(message.id));
    return Object.fromEntries(
      found.map((held) => [
        held.message.id,
        [held.startedAt === undefined ? 'reserved' : 'active', infoOf(held, name)],
      ]),
    );
  },
  async revoked({ ask, revoked }) {
    await ask('revoked');
    return revoked.ids;
  },
  async active_queues({ consumer }) {
    return consumer.queues.map(queueInfo);
  },
  conf: ({ ask }) => ask('conf'),
  stats: statsOf,
  report: ({ display, name }) => ok(`${name}: Lovage on Node ${process.version}, broker ${display}`),
  clock: ({ clock }) => ({ clock: clock() }),
  hello({ name, revoked, clock, now }, { from_node: from, revoked: theirs }) {
    if (from === name) return null;
    if (isFields(theirs)) revoked.add(Object.keys(theirs), now());
    return { revoked: { ...revoked.table }, clock: clock() };
  },
  revoke: (tools, args) => revoke(tools, args, args.terminate === true),
  terminate: (tools, args) => revoke(tools, args, true),
  async revoke_by_stamped_headers({ revoked, consumer, ask, onRevoked }, { headers, terminate }) {
    if (!isFields(headers)) return { error: 'expected headers, an object of stamps and their values' };
    revoked.addStamps(headers);
    onRevoked();
    const found = running(consumer).filter(({ task }) => revoked.has(task));
    const ids = found.map(({ message }) => message.id);
    const named = `headers ${pythonRepr(headers)}`;
    if (terminate !== true) return ok(`${named} flagged as revoked, but not terminated`);
    if (ids.length === 0) return ok(`${named} were not terminated`);
    await ask('terminate', { ids });
    return ok(`${named} revoked`);
  },
  async rate_limit({ ask }, { task_name: task = null, rate_limit: rate = null }) {
    await ask('rate-limit', { task, rate: rate === 0 || rate === '' || rate === '0' ? null : rate });
    return ok('new rate limit set successfully');
  },
  async time_limit({ ask }, { task_name: task = null, hard = null, soft = null }) {
    const ms = (value: JsonValue): JsonValue => (typeof value === 'number' ? value * 1_000 : null);
    await ask('time-limit', { task, hard: ms(hard), soft: ms(soft) });
    return ok('time limits set successfully');
  },
  async pool_grow({ ask }, { n = 1 }) {
    await ask('pool-grow', { n });
    return ok('pool will grow');
  },
  async pool_shrink({ ask }, { n = 1 }) {
    await ask('pool-shrink', { n });
    return ok('pool will shrink');
  },
  async autoscale({ ask, consumer }, { max, min }) {
    await ask('autoscale', { max: max ?? consumer.slots, min: min ?? 1 });
    return ok(`autoscale now max=${String(max)} min=${String(min)}`);
  },
  async add_consumer({ ask }, { queue = null }) {
    await ask('add-consumer', { queue });
    return ok(`add consumer ${String(queue)}`);
  },
  async cancel_consumer({ ask }, { queue = null }) {
    await ask('cancel-consumer', { queue });
    return ok(`no longer consuming from ${String(queue)}`);
  },
  async enable_events({ ask }) {
    await ask('enable-events');
    return ok('task events enabled');
  },
  async disable_events({ ask }) {
    await ask('disable-events');
    return ok('task events disabled');
  },
  heartbeat({ beat }) {
    beat();
    return null;
  },
  async shutdown({ ask }) {
    await ask('shutdown');
    return null;
  },
};

/** A queue as kombu describes one: every field, since tools read them without asking whether they are there. */
function queueInfo(queue: string): JsonValue {
  const unset = Object.fromEntries(
    [
      ...[
        'alias',
        'binding_arguments',
        'consumer_arguments',
        'expires',
        'max_length',
        'max_length_bytes',
        'max_priority',
      ],
      ...['message_ttl', 'no_declare', 'queue_arguments'],
    ].map((field) => [field, null]),
  );
  return {
    name: queue,
    exchange: {
      name: queue,
      type: 'direct',
      durable: true,
      auto_delete: false,
      arguments: null,
      delivery_mode: null,
      no_declare: false,
      passive: false,
    },
    routing_key: queue,
    durable: true,
    auto_delete: false,
    exclusive: false,
    no_ack: false,
    bindings: [],
    ...unset,
  };
}

function running(consumer: CeleryConsumer): readonly HeldTask[] {
  return consumer.tasks.filter((held) => held.startedAt !== undefined);
}

async function revoke(
  { revoked, ask, onRevoked, now }: NodeTools,
  { task_id: id }: Fields,
  terminate: boolean,
): Promise<JsonValue> {
  const ids = listOf(id);
  if (ids.length === 0) return { error: 'expected task_id, an id or a list of them' };
  revoked.add(ids, now());
  onRevoked();
  if (terminate) await ask('terminate', { ids });
  return ok(`tasks ${ids.join(', ')} flagged as revoked`);
}

function listOf(value: JsonValue | undefined): readonly string[] {
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  return list.filter((one): one is string => typeof one === 'string' && one !== '');
}

/** A task as `inspect` shows it. */
function infoOf({ message, task, queue, startedAt }: HeldTask, hostname: string): JsonValue {
  return {
    id: message.id,
    name: task.task,
    args: task.args,
    kwargs: task.kwargs,
    type: task.task,
    hostname,
    time_start: startedAt ?? null,
    acknowledged: false,
    delivery_info: {
      exchange: '',
      routing_key: queue,
      priority: task.properties.priority ?? 0,
      redelivered: task.headers.redelivered ?? false,
    },
    worker_pid: startedAt === undefined ? null : process.pid,
  };
}

async function statsOf({ ask, consumer, clock, display }: NodeTools): Promise<JsonValue> {
  const report = await ask('stats');
  const of = isFields(report) ? report : {};
  const counts = isFields(of.counts) ? of.counts : {};
  const { utime, stime } = { utime: process.cpuUsage().user / 1e6, stime: process.cpuUsage().system / 1e6 };
  const [, host = '', port = ''] =
    /@?([^@/:]{1,255})(?::(\d{1,5}))?(?:\/|$)/.exec(display.replace(/^.*:\/\//, '')) ?? [];
  return {
    total: consumer.totals,
    pid: process.pid,
    clock: String(clock()),
    uptime: of.uptime ?? 0,
    pool: {
      implementation: 'lovage',
      'max-concurrency': consumer.slots,
      processes: [process.pid],
      'max-tasks-per-child': null,
      timeouts: [0, 0],
      writes: 'N/A',
    },
    broker: { hostname: host, port: Number(port) || 0, transport: display.split(':')[0] ?? '' },
    prefetch_count: consumer.slots,
    rusage: { utime, stime, maxrss: Math.round(process.memoryUsage.rss() / 1_024) },
    counts,
    lovage: report,
  };
}
