import type { Clock } from '../../clock.ts';

import {
  ConfigurationError,
  MaxRetriesExceededError,
  NoCurrentTaskError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  PluginError,
  TaskValidationError,
  UnboundTaskError,
} from '../../errors.ts';
import {
  Concluded,
  Ignore,
  Postpone,
  Reject,
  Replace,
  Retry,
  type RetryRequest,
} from '../../message/control-signal.ts';

import { type Failure, toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { encodeArgs, type SizeLimit } from '../../message/payload-codec.ts';
import { hasRetriesLeft, isAutoretried, retryDelay } from '../../task/retry-policy.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

/** How often a task may put itself back with `Reject({ requeue: true })` before it is parked. */
const maxRequeues = 100;

/** What turning an error into a result needs. */
export interface ClassifyTools {
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxPayload: SizeLimit;
}

/** What a thrown value means for the task: a signal, a retry, or its failure. Never throws. */
export async function classifyError(attempt: Attempt, given: unknown, tools: ClassifyTools): Promise<AttemptResult> {
  const thrown = isReadable(given) ? given : 'a value that cannot be shown was thrown';
  const result = await classify(attempt, thrown, tools);
  if ('failure' in result && result.failure) {
    const error = thrown instanceof Retry ? thrown.request.exc : thrown;
    attempt.context.lastError = { failure: result.failure, error };
  }
  return result;
}

async function classify(attempt: Attempt, thrown: unknown, tools: ClassifyTools): Promise<AttemptResult> {
  if (attempt.context.interrupted) return { state: 'RELEASED' };
  try {
    if (thrown instanceof Concluded) return thrown.outcome;
    if (thrown instanceof Postpone) return postponed(attempt, thrown);
    if (thrown instanceof Ignore) return { state: 'IGNORED' };
    if (thrown instanceof Reject) return rejected(attempt, thrown);
    if (thrown instanceof Replace) return replaced(attempt, thrown);
    if (thrown instanceof Retry) return await retried(attempt, thrown.request, tools);
    const { options } = attempt.definition;
    if (!isProgrammingError(thrown) && isAutoretried(options, thrown)) {
      return await retried(attempt, { exc: thrown }, tools);
    }
    return { state: 'FAILURE', failure: toFailure(thrown) };
  } catch (error) {
    return { state: 'FAILURE', failure: toFailure(error) }; // a predicate that throws, new arguments that do not fit
  }
}

/** Errors that the same code brings again with the same arguments: another attempt would only repeat its side effects. */
const programmingErrors = [
  TaskValidationError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  ConfigurationError,
  NoCurrentTaskError,
  UnboundTaskError,
  PluginError,
] as const;

function isProgrammingError(thrown: unknown): boolean {
  return programmingErrors.some((known) => thrown instanceof known);
}

/** Of a revoked proxy nothing can be asked, not even what it is an instance of. */
function isReadable(thrown: unknown): boolean {
  try {
    return thrown instanceof Error || true;
  } catch {
    return false;
  }
}

/** A wait of the task's own takes no moment of its rate limit again, and no time before which it must not run. */
function postponed({ message }: Attempt, { at, args = message.args }: Postpone): AttemptResult {
  const { eta: _eta, expires: _expires, ...rest } = message;
  return { state: 'POSTPONED', message: { ...rest, args }, at };
}

function replaced({ context }: Attempt, { canvas }: Replace): AttemptResult {
  const json = JSON.parse(JSON.stringify(canvas)) as object; // as it crosses to a pool's parent, so that all pools agree
  return { state: 'REPLACED', canvas: json, ...(context.added > 0 ? { added: context.added } : {}) };
}

function rejected({ message }: Attempt, thrown: Reject): AttemptResult {
  const requeues = (message.requeues ?? 0) + 1;
  if (thrown.requeue && requeues <= maxRequeues)
    return { state: 'REQUEUED', message: { ...message, requeues, mayRepeat: true } };
  return { state: 'REJECTED', failure: toFailure(thrown) };
}

async function retried(attempt: Attempt, request: RetryRequest, tools: ClassifyTools): Promise<AttemptResult> {
  const { message, context, definition } = attempt;
  const limit = request.maxRetries === undefined ? context.maxRetries : request.maxRetries;
  const failure = failureOf(attempt, request, limit);
  if (!hasRetriesLeft(limit, message.retries)) return { state: 'FAILURE', failure };
  const now = tools.clock.now();
  const { limitedUntil: _before, rateLine: _started, ...again } = message; // a retry asks for a start of its own
  const at =
    request.at ??
    now +
      (request.delay ?? retryDelay(definition.options, { retries: message.retries, error: request.exc }, tools.random));
  if (message.deadline !== undefined && at > message.deadline) return { state: 'FAILURE', failure };
  const args =
    request.args === undefined
      ? message.args
      : copy(await encodeArgs(definition.payload, request.args, tools.maxPayload));
  return {
    state: 'RETRY',
    at,
    failure,
    message: {
      ...again,
      args,
      retries: message.retries + 1,
      mayRepeat: true, // it may be revoked while it waits: the next worker asks first
      ...(at > now ? { eta: at } : {}),
      ...(request.maxRetries === undefined ? {} : { maxRetries: request.maxRetries }),
    },
  };
}

/** What a getter gives at its next look is not for the broker to find out. */
function copy(args: readonly JsonValue[]): readonly JsonValue[] {
  return JSON.parse(JSON.stringify(args)) as JsonValue[];
}

function failureOf({ message }: Attempt, request: RetryRequest, limit: number | null): Failure {
  return toFailure(request.exc ?? new MaxRetriesExceededError(message.task, limit ?? 0, message.id));
}
