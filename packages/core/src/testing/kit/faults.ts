import { BrokerUnavailableError } from '../../errors.ts';

/** What goes wrong with the next of a task. */
export type Fault =
  /** The broker accepts the call and its reply is lost: the caller gets {@link BrokerUnavailableError}. */
  | 'reply-lost'
  /** The worker is lost before the handler begins: the message is delivered again. */
  | 'killed-before'
  /** The worker is lost after the handler did its work and before that was recorded: the message is delivered again. */
  | 'killed-after'
  /** The handler runs twice, and the second outcome counts. */
  | 'run-twice';

/** Makes the failures that happen once a month in production happen now. Each call arms one fault, for the task's next call or run. */
export class Faults {
  readonly #armed = new Map<string, Fault[]>();

  /**
   * The next call of this task is accepted, but its reply is lost: `delay` rejects with {@link BrokerUnavailableError}, whose `taskId` is
   * the task's. A caller that calls again without that id sends a second task.
   */
  loseReply(task: { readonly name: string } | string): void {
    this.#arm(task, 'reply-lost');
  }

  /**
   * The worker is killed in the next run of this task: `'after'` the handler's work, before it is recorded, or `'before'` the
   * handler. The task runs again, within the crash budget. @default 'after'
   */
  killWorker(task: { readonly name: string } | string, when: 'before' | 'after' = 'after'): void {
    this.#arm(task, `killed-${when}`);
  }

  /** The handler of the next run of this task runs twice: a task that is idempotent does not mind. */
  runTwice(task: { readonly name: string } | string): void {
    this.#arm(task, 'run-twice');
  }

  /** What was armed and has not happened, by task. */
  get pending(): Readonly<Record<string, readonly Fault[]>> {
    return Object.fromEntries([...this.#armed].filter(([, faults]) => faults.length > 0));
  }

  /** The fault that happens now, if it is one of these. */
  take(task: string, kinds: readonly Fault[]): Fault | undefined {
    const faults = this.#armed.get(task) ?? [];
    const index = faults.findIndex((fault) => kinds.includes(fault));
    return index < 0 ? undefined : faults.splice(index, 1)[0];
  }

  #arm(task: { readonly name: string } | string, fault: Fault): void {
    const name = typeof task === 'string' ? task : task.name;
    this.#armed.set(name, [...(this.#armed.get(name) ?? []), fault]);
  }
}

/** The error of a call whose reply was lost. */
export function replyLost(taskId: string): BrokerUnavailableError {
  return new BrokerUnavailableError('the reply of the broker was lost (testApp, faults.loseReply)', { taskId });
}
