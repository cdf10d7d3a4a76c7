import type { Message } from '../message/message.ts';
import type { PlanTimes } from '../message/plan.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { CallOptions, ResolvedCallOptions } from './call-options.ts';

/** What `Producer.prepare` takes beside the call. */
export interface PrepareOptions {
  readonly options?: CallOptions;
  /** How many arguments will come before these. @default 0 */
  readonly open?: number;
  /** The arguments are a list of argument lists. @default false */
  readonly each?: boolean;
}

/** A call that is ready to be sent but for its id and its moment. */
export interface PreparedCall {
  readonly message: Message;
  readonly times: PlanTimes;
}

const noTimes: PlanTimes = {};

/** When a call that is sent later may run, counted from then. */
export function timesOf(
  { countdown, eta, expires }: { [K in 'countdown' | 'eta' | 'expires']: ResolvedCallOptions[K] | undefined },
  { options }: TaskDefinition,
): PlanTimes {
  const after = expires && 'after' in expires ? expires.after : expires ? undefined : options.expires;
  if (countdown === undefined && eta === undefined && expires === undefined && after === undefined) return noTimes;
  return {
    ...(countdown === undefined ? {} : { countdown }),
    ...(eta === undefined ? {} : { eta }),
    ...(after === undefined ? {} : { expiresAfter: after }),
    ...(expires && 'at' in expires ? { expiresAt: expires.at } : {}),
  };
}
