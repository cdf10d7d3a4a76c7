import type { JsonValue } from '@lovage/core/driver';
import type { ChordSize } from '../canvas/apply.ts';
import type { ChordPart } from '../canvas/ending.ts';
import type { CeleryCall } from '../protocol/celery-call.ts';

/** A record on its way to the result store. */
export interface MetaWrite {
  readonly id: string;
  readonly text: string;
  /** Seconds. */
  readonly ttl: number;
  readonly replyTo?: string | undefined;
}

/** What goes into a queue, or beside it, as it stands. */
export interface RawPush {
  readonly kind: 'front' | 'back' | 'dead';
  readonly queue: string;
  readonly text: string;
}

/** Things that belong together: done in one step where the transport can, else in this order. */
export interface SettleJob {
  /** The delivery that it settles. */
  readonly tag?: string | undefined;
  /** Whether the delivery is over with it. @default false */
  readonly ack?: boolean;
  /** The chord that is over with it: where somebody else has ended it, nothing is done. */
  readonly chord?: string | undefined;
  readonly records?: readonly MetaWrite[];
  readonly sizes?: readonly ChordSize[];
  readonly calls?: readonly CeleryCall[];
  readonly pushes?: readonly RawPush[];
  readonly parts?: readonly ChordPart[];
}

/** What became of a chord's count with a part. */
export interface PartCount {
  readonly count: number;
  /** undefined: its size is not known (any more). */
  readonly size: number | undefined;
}

/** What a {@link SettleJob} came to. */
export interface SettleReply {
  /** False: the delivery was somebody else's by then, another outcome stands, or somebody else has ended the chord. */
  readonly done: boolean;
  /** Whether each record stands. */
  readonly stored: readonly boolean[];
  readonly parts: readonly PartCount[];
}

/** Carries out what settlements come to. */
export interface Settler {
  settle(job: SettleJob): Promise<SettleReply>;
  /** The members of a chord that have ended, `[1, id, state, result]`, in the order of the group. */
  chordMembers(groupId: string): Promise<readonly JsonValue[]>;
  /** The stored text of a task; undefined where there is none. */
  readMeta(id: string): Promise<string | undefined>;
  /** One more member of a chord is on its way. */
  growChord(groupId: string): Promise<void>;
  /** Whether it can count the parts of chords. */
  readonly countsChords: boolean;
}
