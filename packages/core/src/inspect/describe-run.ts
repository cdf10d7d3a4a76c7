import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { FailedTask } from '../app/failed-task.ts';
import type { MessageLocation } from '../driver/monitor.ts';
import type { RunRow } from '../history/run-row.ts';
import type { Message } from '../message/message.ts';
import type { OutcomeRecord } from '../message/outcome.ts';
import { RunHistory } from './run-history.ts';

/** All that the stores know of one task. */
export interface DescribedRun {
  readonly id: string;
  /** Its latest stored state; undefined where no result is kept (any more). */
  readonly record: OutcomeRecord | undefined;
  /** Where its message stands; undefined when the broker does not have one. */
  readonly location: MessageLocation | undefined;
  /** Its message, while the broker has one: arguments, headers, tags. */
  readonly message: Message | undefined;
  /** Its attempts, the oldest first. */
  readonly attempts: readonly RunRow[];
  /** It failed, and can be run again. */
  readonly failure: FailedTask | undefined;
}

/** All that the stores know of one task, by its id. Of an unknown one, nothing. */
export async function describeRun(app: Lovage, id: string): Promise<DescribedRun> {
  const { results, monitor, history } = await runtimeOf(app).stores.open();
  const [records, locations, messages, attempts, failure] = await Promise.all([
    results?.get([id]),
    monitor?.locate([id]),
    monitor?.find?.([id]),
    new RunHistory(app).attempts(id),
    history === undefined ? undefined : app.failures.get(id),
  ]);
  return { id, record: records?.[0], location: locations?.[0], message: messages?.[0], attempts, failure };
}
