import type { Clock } from '../clock.ts';
import { toRunError } from '../history/fingerprint.ts';
import type { HistoryMode } from '../history/history-store.ts';
import type { HistoryWriter } from '../history/history-writer.ts';
import type { MinuteStats } from '../history/minute-stats.ts';
import type { FailureEntry, RunRow, RunState } from '../history/run-row.ts';
import type { Failure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import type { Attempt } from './execution/attempt.ts';
import type { AttemptResult } from './execution/attempt-result.ts';
import type { AttemptObserver } from './execution/executor.ts';

/** Successes of one second that a worker writes when it samples. */
const samplesPerSecond = 20;
const longestStack = 4_000;

/** What a recorder is made of. */
export interface HistoryRecorderOptions {
  readonly writer: HistoryWriter;
  readonly mode: Exclude<HistoryMode, 'off'>;
  /** The broker's, as far as it is known. */
  readonly clock: Clock;
  readonly worker: string;
}

/** Writes history: a row for an attempt that is kept, and the statistics of all. */
export class HistoryRecorder implements AttemptObserver {
  readonly #options: HistoryRecorderOptions;
  #second = 0;
  #sampled = 0;

  constructor(options: HistoryRecorderOptions) {
    this.#options = options;
  }

  onStart(): void {}

  onEnd(attempt: Attempt, result: AttemptResult): void {
    const state = stateOf(result);
    if (state === undefined) return;
    const { clock, writer } = this.#options;
    const { message, ran: run = 0, endedAt: at = clock.now(), sharedBy = 1 } = attempt;
    const ready = Math.max(message.sentAt, message.eta ?? 0, message.limitedUntil ?? 0);
    const wait = Math.max(0, at - run - ready);
    writer.measure({ task: message.task, queue: message.queue, state, at, wait, run: run / sharedBy });
    if (state === 'SUCCESS' && !this.#keepsSuccess(at)) return;
    this.#write(attempt, result, { state, at, wait: Math.round(wait), run: round(run) });
  }

  /** See {@link HistoryWriter.totals}. */
  totals(): readonly MinuteStats[] {
    return this.#options.writer.totals();
  }

  /** Hands over what is there. Never rejects. */
  flush(): Promise<void> {
    return this.#options.writer.flush();
  }

  #keepsSuccess(at: number): boolean {
    if (this.#options.mode !== 'sampled') return this.#options.mode === 'all';
    const second = Math.floor(at / 1_000);
    if (second !== this.#second) [this.#second, this.#sampled] = [second, 0];
    return this.#sampled++ < samplesPerSecond;
  }

  #write(
    { message, context }: Attempt,
    result: AttemptResult,
    measured: Pick<RunRow, 'state' | 'at' | 'wait' | 'run'>,
  ): void {
    const row: { -readonly [K in keyof RunRow]: RunRow[K] } = {
      id: message.id,
      task: message.task,
      queue: message.queue,
      ...measured,
      attempt: context.attempt,
      worker: this.#options.worker,
    };
    if (message.tags ?? message.stamps) row.tags = tagsOf(message);
    if (result.state === 'REVOKED') row.reason = result.reason;
    const failure = 'failure' in result ? result.failure : undefined;
    if (failure && measured.state !== 'REVOKED') row.error = toRunError(failure);
    this.#options.writer.add(row, failure && measured.state === 'FAILURE' ? toEntry(row, message, failure) : undefined);
  }
}

function stateOf({ state }: AttemptResult): RunState | undefined {
  switch (state) {
    case 'SUCCESS':
    case 'REVOKED':
    case 'RETRY':
      return state;
    case 'FAILURE':
    case 'CRASH_BUDGET_EXCEEDED':
    case 'REJECTED':
      return 'FAILURE';
    default:
      return undefined; // the handler did not begin, or the task goes on elsewhere
  }
}

function toEntry(row: RunRow, message: Message, { stack }: Failure): FailureEntry {
  return {
    row: row as FailureEntry['row'], // its error was set above
    message: JSON.stringify(message),
    ...(stack === undefined ? {} : { stack: stack.slice(0, longestStack) }),
  };
}

function tagsOf({ tags = [], stamps = {} }: Message): readonly string[] {
  const stamped = Object.entries(stamps)
    .slice(0, 20)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`.slice(0, 100));
  return [...tags, ...stamped];
}

/** Tenths of a millisecond below ten. */
function round(ms: number): number {
  return ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
}
