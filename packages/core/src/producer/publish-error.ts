import { BrokerUnavailableError, ClosedError, LovageError, PublishError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { formatDuration } from '../options/duration.ts';

/** A publish that failed. */
export interface FailedPublish {
  readonly messages: readonly Message[];
  /** Aborted when its time was over, or the app closed. */
  readonly signal: AbortSignal;
  readonly brokerName: () => string;
  /** Milliseconds. */
  readonly publishTimeout: number;
}

/** The error that the caller sees: the refusal of the only message, or what is known of messages whose answer was not waited for. */
export function explainPublishError(
  thrown: unknown,
  { messages, signal, brokerName, publishTimeout }: FailedPublish,
): unknown {
  const only = messages.length === 1 ? messages[0] : undefined;
  const error = thrown instanceof PublishError && only ? (thrown.failures.get(only.id) ?? thrown) : thrown;
  if (!signal.aborted) return error;
  const cause = error instanceof LovageError ? (error.cause ?? error) : error;
  if (error instanceof LovageError && error.code !== 'BROKER_UNAVAILABLE') return error;
  const what = only ? `task ${only.id} (${only.task})` : `${messages.length} tasks`;
  const fate = 'it may have been accepted with its reply lost: publishing again under the same taskId is safe';
  if (signal.reason instanceof ClosedError) return new ClosedError('the app', `${what} was on its way: ${fate}`);
  return new BrokerUnavailableError(
    `broker ${brokerName()} did not accept ${what} within ${formatDuration(publishTimeout)}` +
      `${cause instanceof Error && cause.name !== 'AbortError' ? ` (${cause.message})` : ''}; ${fate}`,
    { cause, ...(only ? { taskId: only.id } : {}) },
  );
}
