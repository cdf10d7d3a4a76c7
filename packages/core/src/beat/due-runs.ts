import { TimeHeap } from '../driver/memory/queue/time-heap.ts';
import type { EntryRun } from './entry-run.ts';

interface Due {
  readonly run: EntryRun;
  readonly at: number;
}

/** The runs that wait for their moment, by that moment: a turn of beat costs what is due, not what there is. */
export class DueRuns {
  #heap = new TimeHeap<Due>();
  /** When each is due. What the heap says otherwise is out of date. */
  readonly #at = new Map<EntryRun, number>();

  /** The moment of the first; undefined when none waits for one. */
  get nextAt(): number | undefined {
    for (let at = this.#heap.nextAt; at !== undefined; at = this.#heap.nextAt) {
      const due = this.#heap.pop() as Due;
      if (!this.#isCurrent(due)) continue;
      this.#heap.push(at, due);
      return at;
    }
    return undefined;
  }

  /** Takes it in, or again with another moment. */
  put(run: EntryRun): void {
    const at = run.wakeAt;
    if (at === this.#at.get(run)) return;
    if (at === undefined) {
      this.#at.delete(run);
      return;
    }
    this.#at.set(run, at);
    this.#heap.push(at, { run, at });
  }

  remove(run: EntryRun): void {
    this.#at.delete(run);
  }

  /** Takes out the first that is due at this moment. */
  take(now: number): EntryRun | undefined {
    for (let due = this.#heap.popDue(now); due; due = this.#heap.popDue(now)) {
      if (!this.#isCurrent(due)) continue;
      this.#at.delete(due.run);
      return due.run;
    }
    return undefined;
  }

  clear(): void {
    this.#heap = new TimeHeap();
    this.#at.clear();
  }

  #isCurrent({ run, at }: Due): boolean {
    return this.#at.get(run) === at;
  }
}
