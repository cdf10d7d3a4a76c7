import type { AppRuntime } from '../../app/app-runtime.ts';
import { ConfigurationError, TaskRevokedError } from '../../errors.ts';
import type { ControlArgs } from '../../events/control-message.ts';
import type { JsonValue } from '../../message/json.ts';
import { parseDuration, parseRate } from '../../options/duration.ts';
import { unknownName } from '../../options/option-reader.ts';
import { isName } from '../../options/well-formed.ts';
import { hideSecret } from '../../stores/driver-url.ts';
import type { TaskRates } from '../middleware/rate-limit.ts';
import type { LimitPair, TaskLimits } from '../middleware/task-limits.ts';
import type { WorkerStats } from '../reporting/worker-stats.ts';
import type { Worker } from '../worker.ts';
import type { ControlCommands } from './control.ts';
import type { StampedRevocations } from './stamped-revocations.ts';

/** What the commands act on. */
export interface CommandTargets {
  readonly worker: Worker;
  readonly runtime: AppRuntime;
  readonly stats: WorkerStats;
  readonly limits: TaskLimits;
  readonly rates: TaskRates;
  readonly revocations: StampedRevocations;
}

/** Their names, for whoever allows some of them only. */
export const controlCommandNames: readonly string[] = [
  'ping',
  'stats',
  'active',
  'registered',
  'query',
  'revoked',
  'conf',
  'terminate',
  'revoke-by-stamped-headers',
  'time-limit',
  'rate-limit',
  'pool-grow',
  'pool-shrink',
  'autoscale',
  'add-consumer',
  'cancel-consumer',
  'enable-events',
  'disable-events',
  'shutdown',
];

/** Throws {@link ConfigurationError} for the name of a command that does not exist. */
export function checkAllowed(allowed: boolean | readonly string[], where: string): void {
  if (typeof allowed === 'boolean') return;
  const wrong = allowed.find((name) => !controlCommandNames.includes(name));
  if (wrong !== undefined) throw unknownName('command', wrong, controlCommandNames, where);
}

/** Every remote command that a worker carries out itself. */
export function createControlCommands(targets: CommandTargets): ControlCommands {
  return { ...createInspectCommands(targets), ...createChangeCommands(targets) };
}

function createInspectCommands({ worker, runtime, stats }: CommandTargets): ControlCommands {
  const plain = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;
  return {
    ping: () => 'pong',
    stats: () => plain(worker.report()),
    active: () => plain(stats.running),
    registered: () => [...worker.report().tasks],
    query: (args) => plain(stats.running.filter(({ id }) => idsOf(args).includes(id))),
    revoked: () => [...stats.terminated],
    conf: () =>
      plain(Object.fromEntries([...runtime.provenance].map(([path, { value }]) => [path, shown(path, value)]))),
  };
}

/** Settings as they may be shown to anybody: no passwords, no keys. */
function shown(path: string, value: unknown): unknown {
  if (path === 'connection.tls') return value === undefined ? undefined : '(set)';
  return typeof value === 'string' ? hideSecret(value) : value;
}

function createChangeCommands({ worker, stats, limits, rates, revocations, runtime }: CommandTargets): ControlCommands {
  return {
    terminate: (args) => terminate(stats, idsOf(args)),
    'revoke-by-stamped-headers': async () => [...(await revocations.refresh())],
    'time-limit': (args) => {
      const task = textOf(args, 'task');
      if (!runtime.registry.get(task)) throw new ConfigurationError(`this worker has no task "${task}"`);
      limits.set(task, limitsOf(args));
      return `time limits of ${task} are set`;
    },
    'rate-limit': (args) => {
      const task = textOf(args, 'task');
      if (!runtime.registry.get(task)) throw new ConfigurationError(`this worker has no task "${task}"`);
      rates.set(task, args.rate == null ? undefined : parseRate(args.rate, 'rate-limit: rate'));
      return args.rate == null ? `${task} is not limited` : `${task} is limited to ${String(args.rate)}`;
    },
    'pool-grow': (args) => resize(worker, worker.slots + countOf(args)),
    'pool-shrink': (args) => resize(worker, worker.slots - countOf(args)),
    autoscale: ({ max, min }) => {
      worker.autoscale({ max: max as number, min: min as number }); // which checks them
      return `${String(min)} to ${String(max)} slots`;
    },
    'add-consumer': async (args) => {
      await worker.addQueue(textOf(args, 'queue'));
      return `consuming ${textOf(args, 'queue')}`;
    },
    'cancel-consumer': async (args) => {
      await worker.removeQueue(textOf(args, 'queue'));
      return `not consuming ${textOf(args, 'queue')}`;
    },
    'enable-events': () => {
      worker.setEvents(true);
      return 'events are on';
    },
    'disable-events': () => {
      worker.setEvents(false);
      return 'events are off';
    },
    shutdown: () => {
      setImmediate(() => worker.requestShutdown()); // after the answer has left
      return 'shutting down';
    },
  };
}

/** Aborts these tasks where they run here; each ends REVOKED. */
function terminate(stats: WorkerStats, ids: readonly string[]): JsonValue {
  const found = stats.contexts.filter((context) => ids.includes(context.id));
  for (const context of found) {
    stats.noteTerminated(context.id);
    context.interrupt(new TaskRevokedError(context.id, 'terminated'), { state: 'REVOKED', reason: 'terminated' });
  }
  return found.map((context) => context.id);
}

function resize(worker: Worker, slots: number): JsonValue {
  if (slots < 1) throw new ConfigurationError('a worker keeps at least one slot');
  worker.setSlots(slots);
  return slots;
}

function idsOf({ ids }: ControlArgs): readonly string[] {
  if (Array.isArray(ids)) return ids.filter((id): id is string => typeof id === 'string');
  throw new ConfigurationError('expected ids, a list of task ids');
}

/** As for a task's own options, a soft limit that never comes is a mistake. */
function limitsOf({ soft, hard }: ControlArgs): LimitPair {
  const limits = {
    ...(soft == null ? {} : { soft: parseDuration(soft, 'time-limit: soft') }),
    ...(hard == null ? {} : { hard: parseDuration(hard, 'time-limit: hard') }),
  };
  if (limits.soft !== undefined && limits.hard !== undefined && limits.soft > limits.hard)
    throw new ConfigurationError(`time-limit: soft (${limits.soft} ms) is above hard (${limits.hard} ms)`);
  return limits;
}

function textOf(args: ControlArgs, name: string): string {
  const value = args[name];
  if (isName(value)) return value;
  throw new ConfigurationError(`expected ${name}, a name`);
}

function countOf({ n = 1 }: ControlArgs): number {
  if (typeof n === 'number' && Number.isSafeInteger(n) && n > 0) return n;
  throw new ConfigurationError('expected n, a whole number from 1');
}
