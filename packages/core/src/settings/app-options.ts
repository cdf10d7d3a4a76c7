import type { Clock } from '../clock.ts';
import type { Driver } from '../driver/driver.ts';
import type { Retention } from '../driver/retention.ts';
import { ConfigurationError } from '../errors.ts';
import { defaultHistoryLimits, type HistoryLimits, type HistoryMode } from '../history/history-store.ts';
import { type Logger, type LogLevel, logLevels } from '../logger.ts';
import { type Duration, parseDuration, parseSize } from '../options/duration.ts';
import { limits } from '../options/limits.ts';
import { oneOf, queueName, type Reader, readOptions, record, text } from '../options/option-reader.ts';
import type { Plugin } from '../plugins/plugin.ts';
import type { ControlMode, SecurityOptions } from '../security/security-options.ts';
import type { TaskRoutes } from '../task/route.ts';
import { readOverrides } from './overrides.ts';
import { withCurrentNames } from './renamed-settings.ts';
import { type RetentionSettings, retentionRules, toRetention } from './retention-settings.ts';
import { count, payloadSize, positiveDuration, type SettingRule } from './setting-readers.ts';

/** Settings under Celery's `conf`. */
export interface AppConf {
  /** Routing rules for tasks that do not name a queue themselves. */
  readonly taskRoutes?: TaskRoutes;
  /** The queue of tasks that nothing routes. @default 'default'; 'celery' where the broker is Celery's */
  readonly taskDefaultQueue?: string;
  /**
   * Queues of which every worker that consumes them gets every message: for `app.broadcast`, and for nothing else.
   * @default []
   */
  readonly broadcastQueues?: readonly string[];
  /** Send the event `task.sent` for each accepted call (Celery's `task_send_sent_event`). @default false */
  readonly taskSendSentEvent?: boolean;
}

/** Network options. */
export interface ConnectionSettings {
  /** A socket silent for so long while a reply is due is dead; blocking reads are kept shorter. @default '15s' */
  readonly socketTimeout?: Duration;
  /** @default '5s' */
  readonly connectTimeout?: Duration;
  /** Node's TLS options (`ca`, `cert`, `key`, `servername`, …), for `rediss://` and the like. The server is verified. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** The file of the authority that signed the server's certificate, read for each connection. @default Node's own list */
  readonly caFile?: string;
  /** The files of this client's certificate and its key, for servers that want one; read for each connection. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name that the server's certificate is to have, and that is sent as SNI. @default the host of the URL */
  readonly serverName?: string;
}

/** Options of a worker; each also a flag and an environment variable. */
export interface WorkerSettings {
  /** The queues it consumes. @default ['default']; ['celery'] where the broker is Celery's */
  readonly queues?: readonly string[];
  /** How many tasks it runs at once, over all its queues. @default 8 */
  readonly concurrency?: number;
  /** Where handlers run: on the worker's event loop, or one at a time in threads or processes. @default 'async' */
  readonly pool?: 'async' | 'threads' | 'processes';
  /** A thread or process is replaced after so many tasks. @default never */
  readonly maxTasksPerChild?: number;
  /** A process is replaced when it holds more after a task, and its heap is capped there; a thread's heap is capped. @default none */
  readonly maxMemoryPerChild?: number | string;
  /** How long a lease lasts without renewal: a lost worker's task runs elsewhere within this plus `stalledInterval`. @default '30s' */
  readonly lockDuration?: Duration;
  /** How often tasks of lost workers are looked for. @default '10s' */
  readonly stalledInterval?: Duration;
  /** A consumer that has not polled for so long is made anew; after as long again the worker counts as wedged. @default '20s' */
  readonly pollTimeout?: Duration;
  /** How long a task may block the event loop and keep the leases of the worker; 0: not at all beyond `lockDuration`. @default '5m' */
  readonly maxEventLoopBlock?: Duration;
  /** How long after its hard time limit a task may still block the event loop, before `onBlockedLimit` is done. @default '5s' */
  readonly timeLimitGrace?: Duration;
  /** How long a thread or process of a pool may take to load the app, before it is killed and started again. @default '60s' */
  readonly childStartTimeout?: Duration;
  /** How many extra starts a task gets after its worker was lost, before it fails with {@link WorkerLostError}. @default 2 */
  readonly crashBudget?: number;
  /** How long a shutdown waits for running tasks before it hands them back. @default '25s' */
  readonly drain?: Duration;
  /** How long a message of an unknown task is kept for a worker that knows it (rolling deploys). @default '10m' */
  readonly unknownTaskGrace?: Duration;
}

/** The options of an app, as given. Environment variables, a config file and the CLI's flags win over them. */
export interface AppOptions {
  /** The broker's URL: `redis://…`, `memory://`. @default LOVAGE_BROKER_URL, REDIS_URL, 'memory://' */
  readonly broker?: string;
  /** The result backend's URL, or 'none'. @default the broker's */
  readonly backend?: string;
  /** Namespace of every key and queue in the store. @default none */
  readonly prefix?: string;
  readonly conf?: AppConf;
  /** How long a publish may take before {@link BrokerUnavailableError}. @default '5s' */
  readonly publishTimeout?: Duration;
  /** The largest arguments of a call, as JSON; at most 64 MiB. @default '1MiB' */
  readonly maxPayload?: number | string;
  /** The largest return value, as JSON; at most 64 MiB. @default '1MiB' */
  readonly maxResult?: number | string;
  /** How long results are kept; failures are kept at least 7 days. @default '1d' */
  readonly resultExpires?: Duration;
  readonly connection?: ConnectionSettings;
  /** Bounds on finished work, by count and bytes. */
  readonly retention?: RetentionSettings;
  readonly worker?: WorkerSettings;
  /**
   * Which commands that change what workers do (`shutdown`, `rate-limit`, …) they obey: those on a channel that the store's access
   * control can keep for operators (`acl`), those of them that are signed with a key that may `control` (`signed`), or also
   * those on the channel of questions, which everybody has (`open`). @default 'acl'; 'signed' where `security.signing` is set
   */
  readonly control?: ControlMode;
  /** Signing and encryption of what goes through the broker and the result backend (docs/security.md). @default none */
  readonly security?: SecurityOptions;
  /**
   * Which attempts are written to the history: those that failed, were retried or revoked (`failures`), these and up to 20 successes
   * a second and worker (`sampled`), all of them, or none (`off`, which also keeps no statistics and no list of failures).
   * @default 'sampled'
   */
  readonly history?: HistoryMode;
  /** @default 'info' */
  readonly logLevel?: LogLevel;
  /** Where log lines go. @default stderr */
  readonly logger?: Logger;
  /** Extensions, the outermost first; every process that loads the app has them. @default [] */
  readonly plugins?: readonly Plugin[];
  /**
   * Modules with tasks that `-A`, and the threads and processes of a worker, load after the app's own: patterns relative to it, such as
   * `./tasks/*.ts`; `**` stands for folders. Code that imports the app imports what it needs itself. @default []
   */
  readonly include?: readonly string[];
  /** Drivers beside the built-in ones, or in their place (bundled programs pass theirs here). */
  readonly drivers?: readonly Driver[];
  /** Time; tests pass their own. @default the system's */
  readonly clock?: Clock;
}

/** Where a setting's value came from. */
export interface Setting {
  readonly path: string;
  readonly value: unknown;
  /** `flag`, `environment LOVAGE_…`, `config file …`, `constructor`, `default`. */
  readonly source: string;
  /** The environment variable that sets it, where there is one. */
  readonly environment: string | undefined;
}

/** Resolved settings: durations in milliseconds, sizes in bytes. */
export interface Settings {
  readonly broker: string;
  readonly backend: string | undefined;
  readonly prefix: string | undefined;
  readonly publishTimeout: number;
  readonly maxPayload: number;
  readonly maxResult: number;
  readonly resultExpires: number;
  readonly logLevel: LogLevel;
  readonly taskDefaultQueue: string;
  readonly broadcastQueues: ReadonlySet<string>;
  readonly connection: {
    readonly socketTimeout: number;
    readonly connectTimeout: number;
    readonly tls?: Readonly<Record<string, unknown>>;
  };
  readonly retention: Retention;
  readonly control: ControlMode;
  readonly historyMode: HistoryMode;
  readonly history: HistoryLimits;
  readonly worker: ResolvedWorkerSettings;
}

export interface ResolvedWorkerSettings {
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly pool: 'async' | 'threads' | 'processes';
  readonly maxTasksPerChild: number | undefined;
  /** Bytes. */
  readonly maxMemoryPerChild: number | undefined;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly pollTimeout: number;
  readonly maxEventLoopBlock: number;
  readonly timeLimitGrace: number;
  readonly childStartTimeout: number;
  readonly crashBudget: number;
  readonly drain: number;
  readonly unknownTaskGrace: number;
}

/** A list of queues, also as comma-separated text. */
const queueList: Reader<readonly string[]> = (value, where) => {
  const names = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  if (Array.isArray(names) && names.length > 0) return [...new Set(names.map((name) => queueName(name, where)))];
  throw new ConfigurationError(`${where}: expected queue names, such as "default,billing"`);
};

/** Every setting: its reader, its default, its environment variable. */
export const settingRules: Readonly<Record<string, SettingRule>> = {
  broker: { read: text, env: 'LOVAGE_BROKER_URL' },
  backend: { read: text, env: 'LOVAGE_RESULT_BACKEND' },
  prefix: { read: text, env: 'LOVAGE_PREFIX' },
  publishTimeout: { read: positiveDuration, fallback: '5s', env: 'LOVAGE_PUBLISH_TIMEOUT' },
  maxPayload: { read: payloadSize, fallback: '1MiB', env: 'LOVAGE_MAX_PAYLOAD' },
  maxResult: { read: payloadSize, fallback: '1MiB', env: 'LOVAGE_MAX_RESULT' },
  resultExpires: { read: positiveDuration, fallback: '1d', env: 'LOVAGE_RESULT_EXPIRES' },
  control: { read: oneOf('signed', 'acl', 'open'), fallback: 'acl', env: 'LOVAGE_CONTROL' },
  history: { read: oneOf('failures', 'sampled', 'all', 'off'), fallback: 'sampled', env: 'LOVAGE_HISTORY' },
  logLevel: { read: oneOf(...logLevels), fallback: 'info', env: 'LOVAGE_LOG_LEVEL' },
  'conf.taskDefaultQueue': { read: queueName, fallback: 'default', env: 'LOVAGE_DEFAULT_QUEUE' },
  'conf.broadcastQueues': { read: queueList, env: 'LOVAGE_BROADCAST_QUEUES' },
  'connection.socketTimeout': { read: positiveDuration, fallback: '15s', env: 'LOVAGE_SOCKET_TIMEOUT' },
  'connection.connectTimeout': { read: positiveDuration, fallback: '5s', env: 'LOVAGE_CONNECT_TIMEOUT' },
  'connection.tls': { read: record },
  'connection.caFile': { read: text, env: 'LOVAGE_TLS_CA_FILE' },
  'connection.certFile': { read: text, env: 'LOVAGE_TLS_CERT_FILE' },
  'connection.keyFile': { read: text, env: 'LOVAGE_TLS_KEY_FILE' },
  'connection.serverName': { read: text, env: 'LOVAGE_TLS_SERVER_NAME' },
  ...retentionRules,
  'worker.queues': { read: queueList, fallback: 'default', env: 'LOVAGE_QUEUES' },
  'worker.concurrency': { read: count(1, limits.slots), fallback: 8, env: 'LOVAGE_CONCURRENCY' },
  'worker.pool': { read: oneOf('async', 'threads', 'processes'), fallback: 'async', env: 'LOVAGE_POOL' },
  'worker.maxTasksPerChild': { read: count(1), env: 'LOVAGE_MAX_TASKS_PER_CHILD' },
  'worker.maxMemoryPerChild': { read: parseSize, env: 'LOVAGE_MAX_MEMORY_PER_CHILD' },
  'worker.lockDuration': { read: positiveDuration, fallback: '30s', env: 'LOVAGE_LOCK_DURATION' },
  'worker.stalledInterval': { read: positiveDuration, fallback: '10s', env: 'LOVAGE_STALLED_INTERVAL' },
  'worker.pollTimeout': { read: positiveDuration, fallback: '20s', env: 'LOVAGE_POLL_TIMEOUT' },
  'worker.maxEventLoopBlock': { read: parseDuration, fallback: '5m', env: 'LOVAGE_MAX_EVENT_LOOP_BLOCK' },
  'worker.timeLimitGrace': { read: parseDuration, fallback: '5s', env: 'LOVAGE_TIME_LIMIT_GRACE' },
  'worker.childStartTimeout': { read: positiveDuration, fallback: '60s', env: 'LOVAGE_CHILD_START_TIMEOUT' },
  'worker.crashBudget': { read: count(0), fallback: 2, env: 'LOVAGE_CRASH_BUDGET' },
  'worker.drain': { read: parseDuration, fallback: '25s', env: 'LOVAGE_DRAIN' },
  'worker.unknownTaskGrace': { read: parseDuration, fallback: '10m', env: 'LOVAGE_UNKNOWN_TASK_GRACE' },
};

const untouched: Reader<unknown> = (value) => value;
const groups = ['conf', 'connection', 'retention', 'worker'] as const;
const topLevel = {
  ...Object.fromEntries(
    [...groups, 'logger', 'drivers', 'clock', 'plugins', 'include', 'security'].map((name) => [name, untouched]),
  ),
  ...Object.fromEntries(
    Object.keys(settingRules)
      .filter((path) => !path.includes('.'))
      .map((path) => [path, untouched]),
  ),
};

/** Finds each setting's value: flag > environment > config file > constructor > default. Throws {@link ConfigurationError}. */
export function resolveSettings(
  given: AppOptions,
  environment: Readonly<Record<string, string | undefined>>,
  where: string,
): ReadonlyMap<string, Setting> {
  const options = given.worker ? { ...given, worker: withCurrentNames(given.worker, 'worker.') } : given;
  checkNames(options, where);
  const overrides = readOverrides();
  const [flags, file, variables] = [overrides.flags, overrides.file, environment].map((names) =>
    withCurrentNames(names),
  );
  const settings = new Map<string, Setting>();
  for (const [path, rule] of Object.entries(settingRules)) {
    const env = rule.env === undefined ? undefined : variables?.[rule.env];
    const [raw, source] = firstGiven([
      [flags?.[path], 'flag'],
      [env === '' ? undefined : env, `environment ${rule.env}`],
      [file?.[path], `config file ${overrides.fileName ?? ''}`.trim()],
      [valueAt(options, path), 'constructor'],
      [rule.fallback, 'default'],
    ]);
    const origin = source === 'constructor' ? `${where}: option ${path}` : `${path} (${source})`;
    const value = raw === undefined ? undefined : rule.read(raw, origin);
    settings.set(path, { path, value, source, environment: rule.env });
  }
  return withControl(withQueues(withBroker(settings, environment)), given);
}

/** Celery's queue of tasks that nothing routes has a name of its own. */
function withQueues(settings: Map<string, Setting>): Map<string, Setting> {
  if (!String(settings.get('broker')?.value).startsWith('celery+')) return settings;
  for (const [path, value] of [
    ['conf.taskDefaultQueue', 'celery'],
    ['worker.queues', ['celery']],
  ] as const) {
    const setting = settings.get(path) as Setting;
    if (setting.source === 'default') settings.set(path, { ...setting, value });
  }
  return settings;
}

/** Where commands can be signed, they must be, unless something else was said. */
function withControl(settings: Map<string, Setting>, { security }: AppOptions): ReadonlyMap<string, Setting> {
  const control = settings.get('control') as Setting;
  if (security?.signing && control.source === 'default') settings.set('control', { ...control, value: 'signed' });
  if (!security?.signing && control.value === 'signed')
    throw new ConfigurationError("control: 'signed' needs keys: set security.signing (docs/security.md)");
  return settings;
}

/** Without a broker URL: REDIS_URL, as hosting platforms set it, then the embedded driver. */
function withBroker(
  settings: Map<string, Setting>,
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, Setting> {
  const broker = settings.get('broker') as Setting;
  if (broker.value !== undefined) return settings;
  const url = environment.REDIS_URL;
  settings.set(
    'broker',
    url
      ? { ...broker, value: url, source: 'environment REDIS_URL' }
      : { ...broker, value: 'memory://', source: 'default' },
  );
  return settings;
}

/** The settings as one object. */
export function toSettings(found: ReadonlyMap<string, Setting>): Settings {
  const at = (path: string): never => found.get(path)?.value as never; // each was read by its own rule above
  const tls = toTls(at);
  return {
    broker: at('broker'),
    backend: at('backend'),
    prefix: at('prefix'),
    publishTimeout: at('publishTimeout'),
    maxPayload: at('maxPayload'),
    maxResult: at('maxResult'),
    resultExpires: at('resultExpires'),
    logLevel: at('logLevel'),
    taskDefaultQueue: at('conf.taskDefaultQueue'),
    broadcastQueues: new Set<string>(at('conf.broadcastQueues') ?? []),
    connection: {
      socketTimeout: at('connection.socketTimeout'),
      connectTimeout: at('connection.connectTimeout'),
      ...(tls ? { tls } : {}),
    },
    retention: toRetention((path) => at(path)),
    control: at('control'),
    historyMode: at('history'),
    history: {
      ...defaultHistoryLimits,
      rows: at('retention.historyRuns'),
      bytes: at('retention.historyBytes'),
      expires: at('retention.historyExpires'),
      failures: at('retention.failures'),
    },
    worker: toWorkerSettings(at),
  };
}

/** Node's options with ours among them; undefined for none. */
function toTls(at: (path: string) => unknown): Readonly<Record<string, unknown>> | undefined {
  const ours = { caFile: 'caFile', certFile: 'certFile', keyFile: 'keyFile', servername: 'serverName' };
  const given = Object.entries(ours).flatMap(([option, name]) => {
    const value = at(`connection.${name}`);
    return value === undefined ? [] : [[option, value] as const];
  });
  const tls = at('connection.tls') as Readonly<Record<string, unknown>> | undefined;
  return given.length === 0 ? tls : { ...tls, ...Object.fromEntries(given) };
}

function toWorkerSettings(at: (path: string) => never): ResolvedWorkerSettings {
  return {
    queues: at('worker.queues'),
    concurrency: at('worker.concurrency'),
    pool: at('worker.pool'),
    maxTasksPerChild: at('worker.maxTasksPerChild'),
    maxMemoryPerChild: at('worker.maxMemoryPerChild'),
    lockDuration: at('worker.lockDuration'),
    stalledInterval: at('worker.stalledInterval'),
    pollTimeout: at('worker.pollTimeout'),
    maxEventLoopBlock: at('worker.maxEventLoopBlock'),
    timeLimitGrace: at('worker.timeLimitGrace'),
    childStartTimeout: at('worker.childStartTimeout'),
    crashBudget: at('worker.crashBudget'),
    drain: at('worker.drain'),
    unknownTaskGrace: at('worker.unknownTaskGrace'),
  };
}

/** Reads worker options given in code, over the app's settings. */
export function resolveWorkerSettings(
  given: object,
  base: ResolvedWorkerSettings,
  where: string,
): ResolvedWorkerSettings {
  const table = Object.fromEntries(
    Object.entries(settingRules)
      .filter(([path]) => path.startsWith('worker.'))
      .map(([path, rule]) => [path.slice(7), rule.read]),
  );
  return {
    ...base,
    ...(readOptions(withCurrentNames(given, 'worker.'), table, where) as Partial<ResolvedWorkerSettings>),
  };
}

function checkNames(given: AppOptions, where: string): void {
  readOptions(given, topLevel, where);
  for (const group of groups) {
    const names = Object.keys(settingRules)
      .filter((path) => path.startsWith(`${group}.`))
      .map((path) => path.slice(group.length + 1));
    const table = Object.fromEntries(
      [...names, ...(group === 'conf' ? ['taskRoutes', 'taskSendSentEvent'] : [])].map((name) => [name, untouched]),
    );
    readOptions(given[group] ?? {}, table, `${where}: ${group}`);
  }
}

function valueAt(given: AppOptions, path: string): unknown {
  const [group, name] = path.split('.') as [string, string | undefined];
  const value = (given as Record<string, unknown>)[group];
  return name === undefined ? value : (value as Record<string, unknown> | undefined)?.[name];
}

function firstGiven(candidates: readonly (readonly [unknown, string])[]): readonly [unknown, string] {
  return candidates.find(([value]) => value !== undefined) ?? [undefined, 'default'];
}
