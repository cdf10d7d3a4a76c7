import type { AppendReply, RunChange } from '@lovage/core/driver';
import { changedFields } from './run-record.ts';

/** Sends changes of several runs in one step; answers with a number per run, as the script. */
export type SendChanges = (ids: readonly string[], args: readonly (string | number)[]) => Promise<readonly number[]>;

/** Runs written by one script at most: bounds the time it holds Redis. */
const mostRuns = 100;

interface Waiting {
  readonly id: string;
  readonly change: RunChange;
  readonly seen: string;
  resolve(reply: AppendReply | 'pending'): void;
  reject(error: unknown): void;
}

/** Changes of runs that are made in one turn of the event loop leave in one script call: a call each cost three times the CPU. */
export class AppendBatch {
  readonly #send: SendChanges;
  readonly #most: number;
  #waiting: Waiting[] = [];

  /** `sameSlot`: the runs lie in one slot; else each change is sent by itself. */
  constructor(send: SendChanges, sameSlot: boolean) {
    this.#send = send;
    this.#most = sameSlot ? mostRuns : 1;
  }

  add(id: string, change: RunChange, seen: string): Promise<AppendReply | 'pending'> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ id, change, seen, resolve, reject });
    });
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (let start = 0; start < all.length; start += this.#most) this.#sendChunk(all.slice(start, start + this.#most));
  }

  #sendChunk(chunk: readonly Waiting[]): void {
    const args = chunk.flatMap(({ change, seen }) => argumentsOf(change, seen));
    this.#send(
      chunk.map(({ id }) => id),
      args,
    ).then(
      (replies) => {
        for (const [index, { resolve }] of chunk.entries()) resolve(replyOf(replies[index]));
      },
      (error: unknown) => {
        for (const { reject } of chunk) reject(error);
      },
    );
  }
}

function replyOf(reply: number | undefined): AppendReply | 'pending' {
  if (reply === 2) return 'pending';
  return reply === 1 ? 'done' : 'fenced';
}

function argumentsOf(change: RunChange, seen: string): readonly (string | number)[] {
  const { entries = [], marks = [], drop = [], consumed = [], header = {}, clear, reopen, fence, ttl = '' } = change;
  const flags = `${clear ? 'c' : ''}${reopen ? 'r' : ''}l`;
  const lists = [entries.flat(), marks.flat(), drop, consumed, changedFields(header)];
  return [
    fence,
    seen,
    flags,
    ttl === '' ? '' : Math.max(1, Math.ceil(ttl)),
    ...lists.flatMap((list) => [list.length, ...list]),
  ];
}
