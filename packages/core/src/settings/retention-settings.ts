import { defaultRetention, type Retention } from '../driver/retention.ts';
import { defaultHistoryLimits } from '../history/history-store.ts';
import { type Duration, parseDuration, parseSize } from '../options/duration.ts';
import { count, positiveDuration, type SettingRule } from './setting-readers.ts';

/** What is kept of work that is over, in every store; what is too much goes, the oldest first. */
export interface RetentionSettings {
  /** Results, at most; each goes with `resultExpires` in any case. @default 50000 */
  readonly results?: number;
  /** Failures, at most; and as many failed jobs of a queue in BullMQ's tools. @default 10000 */
  readonly failures?: number;
  /** What results and failures may take of the store together. @default '256MiB' */
  readonly bytes?: number | string;
  /** Dead letters of a queue, at most. @default 10000 */
  readonly deadLetters?: number;
  /** What the dead letters of a queue may take, and as much its failed jobs in BullMQ's tools. @default '64MiB' */
  readonly deadLetterBytes?: number | string;
  /** How long dead letters are kept. @default '30d' */
  readonly deadLetterExpires?: Duration;
  /** Rows of the history, at most: of successes, and as many of other attempts. @default 100000 */
  readonly historyRuns?: number;
  /** What each of the two, and the failures that can be run again, may take. @default '64MiB' */
  readonly historyBytes?: number | string;
  /** How long the history is kept; its minutes for a day. @default '7d' */
  readonly historyExpires?: Duration;
  /** No outcome younger than this is swept for want of room: whoever lost its ring reads it until then. @default '30s' */
  readonly grace?: Duration;
}

/** The settings of retention: reader, default, environment variable. */
export const retentionRules: Readonly<
  Record<`retention.${keyof Retention | 'historyRuns' | 'historyBytes' | 'historyExpires'}`, SettingRule>
> = {
  'retention.results': { read: count(1), fallback: defaultRetention.results, env: 'LOVAGE_RETENTION_RESULTS' },
  'retention.failures': { read: count(1), fallback: defaultRetention.failures, env: 'LOVAGE_RETENTION_FAILURES' },
  'retention.bytes': { read: parseSize, fallback: '256MiB', env: 'LOVAGE_RETENTION_BYTES' },
  'retention.deadLetters': {
    read: count(1),
    fallback: defaultRetention.deadLetters,
    env: 'LOVAGE_RETENTION_DEAD_LETTERS',
  },
  'retention.deadLetterBytes': { read: parseSize, fallback: '64MiB', env: 'LOVAGE_RETENTION_DEAD_LETTER_BYTES' },
  'retention.deadLetterExpires': {
    read: positiveDuration,
    fallback: '30d',
    env: 'LOVAGE_RETENTION_DEAD_LETTER_EXPIRES',
  },
  'retention.historyRuns': {
    read: count(1),
    fallback: defaultHistoryLimits.rows,
    env: 'LOVAGE_RETENTION_HISTORY_RUNS',
  },
  'retention.historyBytes': { read: parseSize, fallback: '64MiB', env: 'LOVAGE_RETENTION_HISTORY_BYTES' },
  'retention.historyExpires': { read: positiveDuration, fallback: '7d', env: 'LOVAGE_RETENTION_HISTORY_EXPIRES' },
  'retention.grace': { read: parseDuration, fallback: '30s', env: 'LOVAGE_RETENTION_GRACE' },
};

/** The settings as drivers take them. */
export function toRetention(at: (path: keyof typeof retentionRules) => never): Retention {
  return {
    results: at('retention.results'),
    failures: at('retention.failures'),
    bytes: at('retention.bytes'),
    deadLetters: at('retention.deadLetters'),
    deadLetterBytes: at('retention.deadLetterBytes'),
    deadLetterExpires: at('retention.deadLetterExpires'),
    grace: at('retention.grace'),
  };
}
