import { newTaskId } from '@lovage/core/driver';
import type { Keys } from '../../keys.ts';
import type { StartLog } from '../../start-log.ts';

/** The consumer group of every stream; KEDA and other tools look for it by this name. */
export const group = 'lovage';

/**
 * The name of a consumer in the group: its own, so that it finds what Redis handed to it and never reached it (see PendingRecovery).
 * Its end says how long its leases last, in milliseconds: whoever sweeps goes by that, not by what its own leases last.
 * It goes when the consumer closes; those of crashed workers are deleted by the sweep.
 */
export function createConsumerName(worker: string, leaseDuration: number): string {
  return `${worker}:${newTaskId().slice(-12)}~${Math.ceil(leaseDuration)}`;
}

/** The streams of a queue in the order in which they are served: what was handed back, then the bands. */
export const streamNames: readonly string[] = ['front', 'p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'];

/** One stream of a queue. */
export interface QueueStream {
  readonly queue: StreamQueue;
  readonly name: string;
  readonly key: string;
  /** The priority of its messages; undefined for `front`, where entries say it themselves. */
  readonly band: number | undefined;
}

/** One queue, as its keys. */
export interface StreamQueue {
  readonly name: string;
  /** What all its keys begin with. */
  readonly base: string;
  readonly known: string;
  /** The ids of messages that wait for a time or a turn, by that time. */
  readonly due: string;
  /** The bodies of messages that wait for their time. */
  readonly held: string;
  /** Marks of messages that were removed while they waited. */
  readonly removed: string;
  /** There while it is paused. */
  readonly paused: string;
  readonly dead: string;
  /** The channel of its workers. */
  readonly wake: string;
  readonly streams: ReadonlyMap<string, QueueStream>;
  /** Where a consumer's deliveries say that they begin. */
  readonly starts: StartLog | undefined;
}

/** The keys of a queue. */
export function createStreamQueue(keys: Keys, name: string, starts?: StartLog): StreamQueue {
  const base = keys.stream(name);
  const streams = new Map<string, QueueStream>();
  const queue: StreamQueue = {
    name,
    base,
    known: `${base}known`,
    due: `${base}due`,
    held: `${base}held`,
    removed: `${base}removed`,
    paused: `${base}paused`,
    dead: keys.dead(name),
    wake: keys.streamWake(name),
    streams,
    starts,
  };
  for (const stream of streamNames) {
    const band = stream === 'front' ? undefined : Number(stream.slice(1));
    streams.set(stream, { queue, name: stream, key: base + stream, band });
  }
  return queue;
}

/** What the scripts keep beside a queue's streams. */
const besides = ['due', 'held', 'armed', 'sweep', 'tidied', 'purging'] as const;

/** Every key that a queue can have. */
export function keysOfQueue({ base, known, removed, paused, dead, streams }: StreamQueue): readonly string[] {
  const own = [...streams.values()].map(({ key }) => key);
  return [...own, known, removed, paused, dead, ...besides.map((name) => base + name)];
}
