import type { RedisTarget } from './redis-url.ts';

/** Every Redis key and channel of this driver. No other file spells one. */
export interface Keys {
  /** The prefix of BullMQ's own keys. */
  readonly bull: string;
  /** A key of a BullMQ queue: `wait`, `active`, a job's id… */
  readonly job: (queue: string, suffix: string) => string;
  /** The set of the names of all queues. */
  readonly queues: string;
  /** The set of the names of all queues of the Streams driver. */
  readonly streamQueues: string;
  /** What all keys of a queue of the Streams driver begin with; the scripts add the rest. */
  readonly stream: (queue: string) => string;
  readonly dead: (queue: string) => string;
  readonly result: (id: string) => string;
  /** Bitmaps of a group's members: which ended, which of them failed. */
  readonly joinEnded: (groupId: string) => string;
  readonly joinFailed: (groupId: string) => string;
  /** How many members a group has, where not all of them know. */
  readonly joinSize: (groupId: string) => string;
  /** Which outcomes were stored, by kind, in batches; and how many they are in all. */
  readonly ended: (kind: string) => string;
  readonly endedTotals: string;
  /** Held by whoever sweeps. */
  readonly sweeping: string;
  readonly lease: (name: string) => string;
  readonly fence: (name: string) => string;
  /** Which task holds a key of `unique`. */
  readonly claim: (name: string) => string;
  /** Which repeated deliveries of a task have begun. */
  readonly starts: (id: string) => string;
  /** The last moment given out under a rate limit. */
  readonly rate: (name: string) => string;
  /** What all keys of the admission begin with; the scripts add the rest. */
  readonly admission: string;
  /** The ordering keys that are closed. */
  readonly admissionHalted: string;
  /** Left by workers, to find out when Redis has lost its data. */
  readonly mark: string;
  /** The stamps that are revoked, a hash: a rule each, and the version of all of them. */
  readonly revocations: string;
  readonly schedules: string;
  readonly scheduleSlots: string;
  /** A book of the directory. */
  readonly book: (name: string) => string;
  /** Channels. Redis shares these between its databases, so they carry the database's number. */
  readonly inbox: (address: string) => string;
  /** Tells a queue's workers that its next delayed message is due sooner than they know. */
  readonly streamWake: (queue: string) => string;
  readonly busTopic: (topic: string) => string;
  readonly busPattern: (pattern: string) => string;
}

/**
 * The keys under a prefix. Without one, BullMQ's queues keep its default prefix `bull`, so that its tools see them
 * unasked, and ours begin with `lovage:`. A prefix changes both; on a cluster it is a hash tag, `{lovage}` by default,
 * so that the scripts, which touch keys of both kinds, stay within one slot.
 */
export function createKeys(target: Pick<RedisTarget, 'kind' | 'db'>, given: string | undefined): Keys {
  const prefix = target.kind === 'cluster' ? tagged(given ?? 'lovage') : given;
  const bull = prefix ?? 'bull';
  const ours = prefix === undefined ? 'lovage:' : `lovage:${prefix}:`;
  const channel = target.db === 0 ? ours : `${ours}db${target.db}:`;
  return {
    bull,
    job: (queue, suffix) => `${bull}:${bullName(queue)}:${suffix}`,
    queues: `${ours}queues`,
    streamQueues: `${ours}stream-queues`,
    stream: (queue) => `${ours}stream:${queue}:`,
    dead: (queue) => `${ours}dead:${queue}`,
    result: (id) => `${ours}result:${id}`,
    joinEnded: (groupId) => `${ours}join:${groupId}:ended`,
    joinFailed: (groupId) => `${ours}join:${groupId}:failed`,
    joinSize: (groupId) => `${ours}join:${groupId}:size`,
    ended: (kind) => `${ours}ended:${kind}`,
    endedTotals: `${ours}ended-totals`,
    sweeping: `${ours}sweeping`,
    lease: (name) => `${ours}lease:${name}`,
    claim: (name) => `${ours}claim:${name}`,
    fence: (name) => `${ours}fence:${name}`,
    starts: (id) => `${ours}starts:${id}`,
    rate: (name) => `${ours}rate:${name}`,
    admission: `${ours}admission:`,
    admissionHalted: `${ours}admission:halted`,
    mark: `${ours}mark`,
    revocations: `${ours}revocations`,
    schedules: `${ours}schedules`,
    scheduleSlots: `${ours}schedule-slots`,
    book: (name) => `${ours}book:${name}`,
    inbox: (address) => `${channel}inbox:${address}`,
    streamWake: (queue) => `${channel}stream-wake:${queue}`,
    busTopic: (topic) => `${channel}bus:${topic}`,
    busPattern: (pattern) => `${escapeGlob(`${channel}bus:${pattern.slice(0, -1)}`)}*`,
  };
}

/** Names that BullMQ gives to its own keys of a queue: a job of that id would overwrite them. */
export const reserved: ReadonlySet<string> = new Set(
  'active,wait,waiting-children,paused,id,delayed,prioritized,stalled-check,completed,failed,stalled,repeat,limiter,meta,events,pc,marker,de'.split(
    ',',
  ),
);
const escaped = '~';

/**
 * A queue's name, or a task's id, as BullMQ takes it: the same, save for the few that BullMQ cannot have (a colon splits
 * its keys, whole numbers are the ids it makes itself). Those are written `~` and their URL encoding.
 */
export function bullName(name: string): string {
  if (!name.includes(':') && !name.startsWith(escaped) && !/^\d*$/.test(name) && !reserved.has(name)) return name;
  return escaped + encodeURIComponent(name);
}

/** The task id of a BullMQ job id; undoes {@link bullName}. */
export function taskIdOf(jobId: string): string {
  if (!jobId.startsWith(escaped)) return jobId;
  try {
    return decodeURIComponent(jobId.slice(escaped.length));
  } catch {
    return jobId; // not written by us
  }
}

function tagged(prefix: string): string {
  return /\{[^}]+\}/.test(prefix) ? prefix : `{${prefix}}`;
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}
