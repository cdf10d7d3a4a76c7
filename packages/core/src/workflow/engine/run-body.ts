import { CompensationFailedError, WorkflowMisuseError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { RunCancel } from '../run-cancel.ts';
import { ContinueAs } from '../run-errors.ts';
import type { EngineOptions } from './engine-options.ts';
import type { Request, RunEnd } from './request.ts';

/** The engine, as far as the end of its code knows it. */
export interface BodyOwner {
  readonly id: string;
  readonly options: EngineOptions;
  readonly requests: Iterable<Request>;
  readonly over: boolean;
  /** Aborts what runs. */
  abort(reason: Error): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  /** Whether the code asked for everything that is stored; else the run ends as diverged. */
  fits(): boolean;
  end(end: RunEnd): void;
}

/** What the end of the code means for its run: its value, or its failure with what undoes its work. */
export class RunBody {
  readonly #owner: BodyOwner;
  readonly #cancel: RunCancel;
  readonly #compensations: (() => Promise<unknown>)[] = [];
  /** What was done is being undone. */
  compensating = false;
  /** Inserted code was given nothing, for a comparison: what it did since says nothing. */
  stubbed = false;

  constructor(owner: BodyOwner, cancel: RunCancel) {
    this.#owner = owner;
    this.#cancel = cancel;
  }

  /** Runs when the run fails or is cancelled, the last one first. */
  compensate(run: () => Promise<unknown>): void {
    this.#compensations.push(run);
  }

  async returned(value: unknown): Promise<void> {
    if (this.#owner.over) return;
    if (this.#cancel.delivered) return this.threw(this.#cancel.error);
    const unawaited = await this.#unawaited();
    if (this.#owner.over) return;
    if (unawaited) {
      const problem = `the function returned while ${unawaited.kind} "${unawaited.key}" was not awaited: await it, or use w.start for what may go on alone`;
      return this.threw(new WorkflowMisuseError(this.#owner.id, problem));
    }
    if (this.#agrees()) this.#owner.end({ kind: 'value', value });
  }

  async threw(error: unknown): Promise<void> {
    const owner = this.#owner;
    if (owner.over || !this.#agrees()) return;
    if (error instanceof ContinueAs) return owner.end({ kind: 'continued', input: error.input });
    this.compensating = true;
    owner.abort(error instanceof Error ? error : new Error(String(error)));
    await owner.idle(); // nothing is undone while it is done
    const failed: string[] = [];
    for (let next = this.#compensations.pop(); next; next = this.#compensations.pop()) {
      await next().catch((problem: unknown) => failed.push(owner.options.errors.keyOf(problem) ?? 'compensation'));
    }
    owner.end(this.#endOf(error, failed));
  }

  /** What nobody awaits. The loser of a race may ask for a step in the very turn in which the function returns, and awaits it in the next. */
  async #unawaited(): Promise<Request | undefined> {
    const find = (): Request | undefined => [...this.#owner.requests].find(({ open }) => !open.promise.awaited);
    let found = find();
    for (let turn = 0; found && turn < 8; turn += 1) {
      await undefined;
      found = find();
    }
    return found;
  }

  #agrees(): boolean {
    if (this.stubbed) this.#owner.end({ kind: 'released' });
    return !this.#owner.over && this.#owner.fits();
  }

  #endOf(error: unknown, failed: readonly string[]): RunEnd {
    const { errors } = this.#owner.options;
    if (failed.length > 0) {
      return { kind: 'failed', failure: toFailure(new CompensationFailedError(this.#owner.id, failed, error)) };
    }
    if (this.#cancel.delivered && this.#cancel.reason !== undefined) {
      return { kind: 'revoked', reason: this.#cancel.reason };
    }
    const key = errors.keyOf(error);
    return { kind: 'failed', failure: errors.failureOf(error), ...(key === undefined ? {} : { key }) };
  }
}
