import type { JsonValue } from '../message/json.ts';
import type { MinuteStats } from './minute-stats.ts';
import type { FailureEntry, FailureGroup, RunKind, RunRow } from './run-row.ts';

/** What is written of attempts: nothing, the failed ones, those and some successes, or all. */
export type HistoryMode = 'off' | 'failures' | 'sampled' | 'all';

/** What a store keeps of what happened; the oldest go first. */
export interface HistoryLimits {
  /** Rows of succeeded attempts, and as many of others, at most. */
  readonly rows: number;
  /** What each of the two, and the failures, may take of the store, in bytes, about. */
  readonly bytes: number;
  /** How long all of it is kept, in milliseconds. */
  readonly expires: number;
  /** How long minutes are kept, in milliseconds. */
  readonly minutesExpire: number;
  /** Failures that can be run again, at most. */
  readonly failures: number;
}

/** What an app that says nothing keeps. */
export const defaultHistoryLimits: HistoryLimits = {
  rows: 100_000,
  bytes: 64 * 2 ** 20,
  expires: 7 * 86_400_000,
  minutesExpire: 86_400_000,
  failures: 10_000,
};

/** What a worker hands over at once. */
export interface HistoryBatch {
  readonly rows: readonly RunRow[];
  readonly failures: readonly FailureEntry[];
  /** To be added to what is there of the same minute, task and queue. */
  readonly minutes: readonly MinuteStats[];
}

/** One page of rows, the latest first. */
export interface RunRowPage {
  readonly rows: readonly RunRow[];
  /** Where each row stands: `before` of a page that goes on behind it. */
  readonly places: readonly string[];
  /** Whether older rows may be there. */
  readonly more: boolean;
}

/** Which failures. */
export interface FailureQuery {
  /** Of this group only. */
  readonly fingerprint?: string;
  /** Behind the failure of this id, which may be gone by now. @default at the latest one */
  readonly after?: { readonly id: string; readonly at: number };
  readonly limit: number;
}

/** Something that a person did to the system. */
export interface AuditEntry {
  /** Epoch ms. */
  readonly at: number;
  /** Who: a name from the sign-in, or the operating system's user at the command line. */
  readonly who: string;
  /** What, as a verb: `pause-queue`, `retry`. */
  readonly action: string;
  /** To what: a queue, an id, a filter. */
  readonly target: string;
  readonly detail?: JsonValue;
}

/** Keeps what happened: attempts, failures, minute statistics, and what people did. Never on the path of a task's outcome. */
export interface HistoryStore {
  /** Writes all of it; resolves when the store has it. May be repeated after a lost reply: rows may then be there twice. */
  append(batch: HistoryBatch): Promise<void>;
  /** Rows of one stream, the latest first, about `limit` of them (whole batches are read). */
  rows(kind: RunKind, query: { readonly before?: string; readonly limit: number }): Promise<RunRowPage>;
  /** The rows of one task's attempts other than a first success, the oldest first. */
  attempts(id: string): Promise<readonly RunRow[]>;
  /** Statistics of these minutes, both ends included; of minutes without attempts there is none. */
  minutes(from: number, to: number): Promise<readonly MinuteStats[]>;
  /** Failures that can be run again, the latest first. */
  failures(query: FailureQuery): Promise<readonly FailureEntry[]>;
  /** These failures; undefined for one that is not there. */
  failure(ids: readonly string[]): Promise<readonly (FailureEntry | undefined)[]>;
  /** The groups of the failures that are there, the latest first. */
  failureGroups(): Promise<readonly FailureGroup[]>;
  /** Takes failures off the list, because they were run again or discarded. True for each that was there. */
  removeFailures(ids: readonly string[]): Promise<readonly boolean[]>;
  /** Writes down what a person did. */
  audit(entry: AuditEntry): Promise<void>;
  /** What people did, the latest first. */
  audits(limit: number): Promise<readonly AuditEntry[]>;
  /** Deletes what is too old. */
  sweep(): Promise<void>;
}
