import { WorkflowLimitError, WorkflowMisuseError } from '../errors.ts';
import type { EngineOptions } from './engine/engine-options.ts';
import type { RunLog } from './engine/run-log.ts';
import type { EntryKind } from './log-entry.ts';

/** The engine, as far as its keys know it. */
export interface KeyOwner {
  readonly id: string;
  readonly log: RunLog;
  readonly options: EngineOptions;
}

/** The keys of what a run asks for: the name, and from its second use on which use it is. */
export class RunKeys {
  readonly #owner: KeyOwner;
  readonly #names = new Map<string, { readonly kind: EntryKind; count: number }>();
  #warned = false;

  constructor(owner: KeyOwner) {
    this.#owner = owner;
  }

  /** The key of the next use; `used` is how many there are. Throws for a name of two kinds, and where the log is full. */
  next(kind: EntryKind, name: string, used: number): string {
    const { id, log, options } = this.#owner;
    const { maxEntries, maxLog } = options.limits;
    const known = this.#names.get(name) ?? { kind, count: 0 };
    if (known.kind !== kind) {
      throw new WorkflowMisuseError(id, `"${name}" is a ${known.kind} and a ${kind}: give one of the two another name`);
    }
    if (used >= maxEntries) throw new WorkflowLimitError(id, `its log has ${maxEntries} entries`);
    if (log.bytes > maxLog) throw new WorkflowLimitError(id, `its log holds more than ${maxLog} bytes`);
    if (used * 2 >= maxEntries) this.#warnAtHalf(used, maxEntries);
    known.count += 1;
    this.#names.set(name, known);
    return known.count === 1 ? name : `${name}#${known.count}`;
  }

  #warnAtHalf(entries: number, most: number): void {
    if (this.#warned) return;
    this.#warned = true;
    const { id, options } = this.#owner;
    options.logger.warn('the log of a run is half full: end it with w.continueAs(input)', {
      taskId: id,
      entries,
      most,
    });
  }
}
