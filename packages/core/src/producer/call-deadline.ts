import type { Clock } from '../clock.ts';
import { parseDuration } from '../options/duration.ts';
import type { GetOptions } from '../results/async-result.ts';
import { currentTaskOrNone } from '../task/task-context.ts';
import { afterOrAt, type CallOptions } from './call-options.ts';

/** How a call is sent, and how long it is waited for. */
export interface TimedCall {
  readonly options: CallOptions;
  readonly wait: GetOptions;
}

/**
 * The deadline of a call that is waited for: its `timeout` from now, that of the task it is made in, or the `deadline` it
 * names, whichever comes first; so that no work goes on for a caller who has left. A call without `timeout` and outside of
 * such a task is left as it is.
 */
export function timeCall({ timeout, signal, ...options }: CallOptions & GetOptions, clock: Clock): TimedCall {
  const outer = currentTaskOrNone()?.remaining();
  const own = timeout === undefined ? undefined : parseDuration(timeout, 'call: timeout');
  const heard = signal === undefined ? {} : { signal };
  if (outer === undefined && own === undefined) return { options, wait: heard };
  const left = Math.min(outer ?? Number.POSITIVE_INFINITY, own ?? Number.POSITIVE_INFINITY);
  const wait = { ...heard, timeout: left };
  if (options.deadline !== undefined && leftOf(options.deadline, clock) <= left) return { options, wait };
  return { options: { ...options, deadline: new Date(clock.now() + left) }, wait };
}

function leftOf(deadline: NonNullable<CallOptions['deadline']>, clock: Clock): number {
  const read = afterOrAt(deadline, 'call: deadline');
  return 'at' in read ? read.at - clock.now() : read.after;
}
