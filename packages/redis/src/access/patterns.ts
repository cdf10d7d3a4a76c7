import type { AccessRole } from '@lovage/core/driver';
import { createKeys, type Keys } from '../keys.ts';
import type { RedisTarget } from '../redis-url.ts';

/** Patterns of the keys and channels of a role. */
export interface Patterns {
  readonly keys: readonly string[];
  /** Channels that it may listen to, and those that it may send on. */
  readonly hears: readonly string[];
  readonly tells: readonly string[];
}

/** What the patterns are made for. */
export interface PatternRequest {
  readonly role: AccessRole;
  /** Queues, or globs over them; empty: all. */
  readonly queues: readonly string[];
  readonly prefix: string | undefined;
  readonly target: Pick<RedisTarget, 'kind' | 'db'>;
  /** Whose queues: BullMQ's or those of the Streams driver. */
  readonly streams: boolean;
}

/** Stands in a key for a name that the pattern leaves open. */
const anyName = 'lovage-any-name';

/**
 * The patterns of a role. The keys come from {@link createKeys}, so that one which is spelt otherwise some day is granted
 * otherwise too.
 */
export function patternsOf({ role, queues, prefix, target, streams }: PatternRequest): Patterns {
  const keys = createKeys(target, prefix);
  const parts = keyParts(keys, streams);
  const forQueues = (keyOf: (queue: string) => string): readonly string[] =>
    (queues.length === 0 ? ['*'] : queues).map((queue) => patternOf(queue, keyOf));
  const own = forQueues((queue) => (streams ? keys.stream(queue) : keys.job(queue, ''))).map((base) => `${base}*`);
  const dead = forQueues(keys.dead);
  const sends = [...own, ...parts.sending];
  const keysOf: Readonly<Record<AccessRole, readonly string[]>> = {
    producer: sends,
    beat: [...sends, ...parts.schedules, ...parts.leases],
    worker: [...sends, ...dead, ...parts.leases, ...parts.working],
    monitor: [...sends, ...dead, ...parts.leases, ...parts.schedules, ...parts.working],
    operator: [...sends, ...dead, ...parts.leases, ...parts.schedules, ...parts.working],
  };
  const wakes = streams ? forQueues(keys.streamWake) : [];
  const { hears, tells } = channelParts(keys)[role];
  return {
    keys: keysOf[role],
    hears: [...hears, ...(role === 'worker' ? wakes : [])],
    tells: [...tells, ...(role === 'monitor' ? [] : wakes)],
  };
}

interface KeyParts {
  readonly sending: readonly string[];
  readonly working: readonly string[];
  readonly schedules: readonly string[];
  readonly leases: readonly string[];
}

function keyParts(keys: Keys, streams: boolean): KeyParts {
  // A script may name a key with `:none` behind it, see despite-full.
  const any = (keyOf: (name: string) => string): string => `${patternOf('*', keyOf)}*`.replace(/\*+$/, '*');
  const one = (key: string): string => `${escapeGlob(key)}*`;
  return {
    sending: [
      // Scripts of semaphores name the beginning of all queues' keys, where nothing is stored.
      escapeGlob(streams ? keys.streams : keys.jobs),
      ...(streams ? [one(keys.streamQueues), one(keys.streamSignals)] : []),
      ...[one(keys.queues), any(keys.result), any(keys.joinEnded), any(keys.joinFailed), any(keys.joinSize)],
      ...[any(keys.claim), any(keys.rate), one(keys.semaphore), one(keys.revocations)],
      ...[any(keys.run), any((which) => keys.runs(which as 'open')), any(keys.namespace)],
      ...[any(keys.ended), one(keys.endedTotals), one(keys.mark)],
    ],
    working: [any(keys.starts), one(keys.sweeping), one(keys.history)],
    schedules: [one(keys.schedules), one(keys.scheduleSlots), one(keys.scheduleVersion)],
    leases: [any(keys.lease), any(keys.fence)],
  };
}

type Channels = Pick<Patterns, 'hears' | 'tells'>;

/** PSUBSCRIBE is allowed for a pattern that is granted letter by letter: these are the ones that Lovage asks for. */
function channelParts(keys: Keys): Readonly<Record<AccessRole, Channels>> {
  const topics = (...names: readonly string[]): readonly string[] =>
    names.map((name) => patternOf(name, keys.busTopic));
  const inboxes = patternOf('*', keys.inbox);
  const sends = [inboxes, ...topics('topic.*', 'workflow.*', 'events')];
  const locks = topics('lease.*');
  return {
    producer: { hears: [inboxes, ...topics('topic.*')], tells: sends },
    beat: { hears: [inboxes, ...locks, ...topics('schedules.*')], tells: [...sends, ...locks] },
    worker: {
      hears: [inboxes, ...locks, ...topics('topic.*', 'workflow.*', 'control', 'control-change', 'task-discovery.*')],
      tells: [...sends, ...locks, ...topics('control-reply.*', 'task-discovery.*')],
    },
    monitor: { hears: [inboxes, ...topics('topic.*', 'events', 'control-reply.*')], tells: topics('control') },
    operator: {
      hears: [inboxes, ...locks, ...topics('topic.*', 'events', 'control-reply.*')],
      tells: [...sends, ...locks, ...topics('control', 'control-change', 'schedules.*', 'doctor')],
    },
  };
}

/** The key of a name as a pattern; each `*` of the name stays one. */
function patternOf(name: string, keyOf: (name: string) => string): string {
  if (!name.includes('*')) return escapeGlob(keyOf(name));
  const pattern = name.split('*').map(escapeGlob).join('*');
  return escapeGlob(keyOf(anyName)).replaceAll(anyName, () => pattern);
}

/** A pattern for this text alone; white space, which no rule of an ACL can hold, stands for any character. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]^]/g, '\\$&').replaceAll(/\s/g, '?');
}
