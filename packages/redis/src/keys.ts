import type { RedisTarget } from './redis-url.ts';

/** Every Redis key and channel of this driver. No other file spells one. */
export interface Keys {
  /**
   * Whether a script may touch keys of queues and of results: they lie together, in one Redis or in one slot. Where they
   * do not, a script stays with the keys of one queue, or of one result, group, lock or rate limit.
   */
  readonly sameSlot: boolean;
  /** The prefix of BullMQ's own keys. */
  readonly bull: string;
  /** What the keys of all queues of BullMQ begin with; and of the Streams driver. A script that is given one adds the queue. */
  readonly jobs: string;
  readonly streams: string;
  /** What BullMQ calls a queue. */
  readonly bullQueue: (queue: string) => string;
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
  /** What the keys of a task's rate limit begin with; the scripts add the rest. */
  readonly rate: (name: string) => string;
  /** What all keys of the admission begin with; the scripts add the rest. */
  readonly semaphore: string;
  /** The ordering keys that are closed. */
  readonly semaphoreHalted: string;
  /** Left by workers, to find out when Redis has lost its data. */
  readonly mark: string;
  /** The stamps that are revoked, a hash: a rule each, and the version of all of them. */
  readonly revocations: string;
  /** What all keys of the history begin with; they share one slot. */
  readonly history: string;
  /** A workflow run: its header; `:log` and `:in` behind it are its log and inbox, in the same slot. */
  readonly run: (id: string) => string;
  /** The lists of runs, by when they were made or ended: those that are open, diverged, ended. */
  readonly runs: (which: 'open' | 'diverged' | 'ended') => string;
  readonly schedules: string;
  readonly scheduleSlots: string;
  /** Counts changes of periodic entries. */
  readonly scheduleVersion: string;
  /** A book of the directory. */
  readonly namespace: (name: string) => string;
  /** Channels. Redis shares these between its databases, so they carry the database's number. */
  readonly inbox: (address: string) => string;
  /** Tells a queue's workers that its next delayed message is due sooner than they know, or that it was paused or resumed. */
  readonly streamWake: (queue: string) => string;
  /** The stream that tells workers of many queues which of them have messages again. */
  readonly streamSignals: string;
  readonly busTopic: (topic: string) => string;
  readonly busPattern: (pattern: string) => string;
}

/**
 * The keys under a prefix. Without one, BullMQ's queues keep its default prefix `bull`, so that its tools see them
 * unasked, and ours begin with `lovage:`. A prefix changes both.
 *
 * On a cluster each queue is a hash tag, and so is each result, group, lock and rate limit: they spread over the masters. The
 * rest, which is small, shares the tag of the prefix. A prefix with a hash tag of its own keeps everything in one slot.
 */
export function createKeys(target: Pick<RedisTarget, 'kind' | 'db'>, given: string | undefined): Keys {
  const spread = target.kind === 'cluster' && !/\{[^}]+\}/.test(given ?? '');
  const bull = given ?? 'bull';
  const base = given === undefined ? 'lovage:' : `lovage:${given}:`;
  const ours = spread ? `lovage:{${given ?? 'lovage'}}:` : base;
  const channel = target.db === 0 ? ours : `${ours}db${target.db}:`;
  const bullQueue = spread ? (name: string): string => `{${bullName(name)}}` : bullName;
  const tag = spread ? bullQueue : (name: string): string => name;
  return {
    sameSlot: !spread,
    bull,
    bullQueue,
    job: (queue, suffix) => `${bull}:${bullQueue(queue)}:${suffix}`,
    queues: `${ours}queues`,
    streamQueues: `${ours}stream-queues`,
    stream: (queue) => `${base}stream:${tag(queue)}:`,
    dead: (queue) => `${base}dead:${tag(queue)}`,
    result: (id) => `${base}result:${tag(id)}`,
    joinEnded: (groupId) => `${base}join:${tag(groupId)}:ended`,
    joinFailed: (groupId) => `${base}join:${tag(groupId)}:failed`,
    joinSize: (groupId) => `${base}join:${tag(groupId)}:size`,
    lease: (name) => `${base}lease:${tag(name)}`,
    claim: (name) => `${base}claim:${tag(name)}`,
    fence: (name) => `${base}fence:${tag(name)}`,
    starts: (id) => `${base}starts:${tag(id)}`,
    rate: (name) => `${base}rate-line:${tag(name)}:`,
    ended: (kind) => `${ours}ended:${kind}`,
    endedTotals: `${ours}ended-totals`,
    sweeping: `${ours}sweeping`,
    ...semaphoreKeys({ bull, base, ours }),
    mark: `${ours}mark`,
    revocations: `${ours}revocations`,
    history: `${ours}history:`,
    ...scheduleKeys(ours),
    ...runKeys(base, ours, tag),
    namespace: (name) => `${ours}book:${name}`,
    inbox: (address) => `${channel}inbox:${address}`,
    streamWake: (queue) => `${channel}stream-wake:${queue}`,
    streamSignals: `${ours}stream-signals`,
    busTopic: (topic) => `${channel}bus:${topic}`,
    busPattern: (pattern) => `${escapeGlob(`${channel}bus:${pattern.slice(0, -1)}`)}*`,
  };
}

function scheduleKeys(ours: string): Pick<Keys, 'schedules' | 'scheduleSlots' | 'scheduleVersion'> {
  return {
    schedules: `${ours}schedules`,
    scheduleSlots: `${ours}schedule-slots`,
    scheduleVersion: `${ours}schedule-version`,
  };
}

function runKeys(base: string, ours: string, tag: (id: string) => string): Pick<Keys, 'run' | 'runs'> {
  return { run: (id) => `${base}run:${tag(id)}`, runs: (which) => `${ours}runs:${which}` };
}

type SemaphoreKeys = Pick<Keys, 'semaphore' | 'semaphoreHalted' | 'jobs' | 'streams'>;

function semaphoreKeys(of: { readonly bull: string; readonly base: string; readonly ours: string }): SemaphoreKeys {
  const semaphore = `${of.ours}admission:`;
  return { semaphore, semaphoreHalted: `${semaphore}halted`, jobs: `${of.bull}:`, streams: `${of.base}stream:` };
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
 * its keys, whole numbers are the ids it makes itself), and one that would be no hash tag (`{}x}`). Those are written `~`
 * and their URL encoding.
 */
export function bullName(name: string): string {
  if (!name.includes(':') && !/^[}~]/.test(name) && !/^\d*$/.test(name) && !reserved.has(name)) return name;
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

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}
