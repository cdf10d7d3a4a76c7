import { blockedUntil, type Settlement } from '../../driver/broker.ts';
import { PayloadNotSerializableError } from '../../errors.ts';
import { toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { attemptNumber, type Message } from '../../message/message.ts';
import type { OutcomeRecord, OutcomeWrite } from '../../message/outcome.ts';
import { assertFewParts, assertJson, type SizeLimit } from '../../message/payload-codec.ts';
import { outcomeTtl, toOutcome } from '../../results/outcome-writer.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

/** How long the fact that a task without result has run is remembered, against a publish that is repeated. */
const tombstoneTtl = 600_000;

/** What turning a result into a settlement needs. */
export interface SettleTools {
  readonly now: number;
  readonly worker: string;
  readonly resultExpires: number;
  /** False: the app stores no results. */
  readonly storesResults: boolean;
}

/** The settlement of a delivery, its outcome included where there is one. */
export function toSettlement(attempt: Attempt, result: AttemptResult, tools: SettleTools): Settlement {
  const { message } = attempt;
  switch (result.state) {
    case 'SUCCESS':
    case 'FAILURE':
    case 'REVOKED':
      return { kind: 'ack', ...outcomeOf(attempt, result, tools) };
    case 'ALREADY_FINISHED':
      return { kind: 'ack', outcome: toWrite(message, result.outcome, remainingTtl(message, tools)) };
    case 'CRASHED': {
      const crashes = (message.crashes ?? 0) + 1;
      return { kind: 'retryAt', message: { ...known(message), crashes, mayRepeat: true }, at: tools.now };
    }
    case 'POSTPONED': // it may be revoked until its moment
      return { kind: 'retryAt', message: { ...known(result.message), mayRepeat: true }, at: result.at };
    case 'RETRY':
      return { kind: 'retryAt', message: known(result.message), at: result.at };
    case 'BLOCKED':
      return { kind: 'retryAt', message: known(result.message), at: blockedUntil };
    case 'REQUEUED':
      return { kind: 'retryAt', message: known(result.message), at: tools.now };
    case 'REJECTED':
    case 'CRASH_BUDGET_EXCEEDED':
      return {
        kind: 'deadLetter',
        reason: result.failure,
        ...outcomeOf(attempt, { state: 'FAILURE', failure: result.failure }, tools),
      };
    case 'IGNORED':
      return { kind: 'ack' };
    case 'REPLACED': // what stands in its place ends it; the executor has seen to that
      return { kind: 'release' };
    case 'RELEASED':
      return result.at === undefined ? { kind: 'release' } : { kind: 'release', at: result.at };
    default:
      return result satisfies never;
  }
}

/** Met by a worker that knows its task: the grace for unknown ones begins anew with the next that does not. */
function known(message: Message): Message {
  if (message.unknownSince === undefined) return message;
  const { unknownSince: _past, ...rest } = message;
  return rest;
}

function outcomeOf(
  attempt: Attempt,
  outcome: Extract<AttemptResult, { state: 'SUCCESS' | 'FAILURE' | 'REVOKED' }>,
  tools: SettleTools,
): { readonly outcome?: OutcomeWrite } {
  if (!tools.storesResults) return {};
  const { message, delivery, context, definition } = attempt;
  const attempts = attemptNumber(message, delivery.deliveryCount);
  if (message.ignoreResult && !message.canvas) {
    const failure = 'failure' in outcome && outcome.failure ? { failure: outcome.failure } : {};
    const base = { id: message.id, task: message.task, attempts, at: tools.now };
    const tombstone: OutcomeRecord = { ...base, state: outcome.state, ...failure };
    return { outcome: { record: tombstone, ttl: tombstoneTtl } };
  }
  const { now, worker, resultExpires } = tools;
  const asked = message.resultExpires ?? definition.options.resultExpires;
  const ttl = outcomeTtl(outcome.state, resultExpires, asked);
  const progress = context.lastProgress;
  const ending = progress === undefined ? outcome : { ...outcome, progress };
  const write = toOutcome(message, ending, { now, attempts, worker, ttl });
  return { outcome: attempt.valueText === undefined ? write : { ...write, valueText: attempt.valueText } };
}

function toWrite(message: Message, record: OutcomeRecord, ttl: number): OutcomeWrite {
  return message.replyTo ? { record, ttl, replyTo: message.replyTo } : { record, ttl };
}

/** The record is stored already and keeps its own time; this one counts only where the store has just lost it. */
function remainingTtl(message: Message, tools: SettleTools): number {
  return message.ignoreResult ? tombstoneTtl : (message.resultExpires ?? tools.resultExpires);
}

/**
 * Makes the JSON text of a return value, once: a getter or proxy may give another value at its next look, and an error then,
 * outside the attempt, would be nobody's. A value that JSON cannot carry makes the attempt a FAILURE. Never throws.
 */
export function sealResult(attempt: Attempt, result: AttemptResult, limit: SizeLimit): AttemptResult {
  if (result.state !== 'SUCCESS' || typeof result.value !== 'object' || result.value === null) return result;
  try {
    assertFewParts(result.value, limit, nameOf(attempt));
    const text = JSON.stringify(result.value);
    if (text.length > limit.bytes) assertJson(JSON.parse(text), 'return value', limit, nameOf(attempt));
    attempt.valueText = text;
    if (!attempt.message.canvas) return result;
    return { ...result, value: JSON.parse(text) as JsonValue }; // what follows in the canvas reads it again
  } catch (error) {
    const known = error instanceof PayloadNotSerializableError || !(error instanceof Error && isOurs(error));
    return { state: 'FAILURE', failure: toFailure(known ? notSerializable(error) : error) };
  }
}

/** Why a value could not be made text, by name. */
export function notSerializable(error: unknown): PayloadNotSerializableError {
  if (error instanceof PayloadNotSerializableError) return error;
  return new PayloadNotSerializableError('return value', `a value that throws when it is read (${describe(error)})`);
}

function isOurs(error: Error): boolean {
  return error.name === 'PayloadTooLargeError';
}

function describe(error: unknown): string {
  return toFailure(error).message;
}

function nameOf({ definition }: Attempt): string {
  return `return value of task "${definition.name}"`;
}
