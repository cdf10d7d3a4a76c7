import type { OutcomeRecord } from '@lovage/core';
import type { Failure } from '@lovage/core/driver';
import { userFrames } from '@lovage/core/visible';
import { paint } from './paint.ts';
import { oneLine, printData, printJson } from './print.ts';
import { redact } from './redact.ts';

/** How an outcome is shown. */
export interface RecordStyle {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const shownFrames = 3;

/** A value bare: text as it is, anything else as JSON, nothing for undefined. */
export function printValue(value: unknown): void {
  if (value === undefined) return;
  printData(typeof value === 'string' ? value : JSON.stringify(value));
}

/** An outcome as one JSON object. */
export function printRecordJson(record: OutcomeRecord): void {
  const { id, state, value, reason, failure, attempts } = record;
  const error = failure && describeFailure(failure);
  printJson({
    id,
    state,
    ...(state === 'SUCCESS' ? { value } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(error ? { error, attempts } : {}),
  });
}

function describeFailure(failure: Failure): object {
  const { name, message, stack, data, cause } = failure;
  return {
    name,
    message,
    ...(data ? { data } : {}),
    ...(stack ? { stack } : {}),
    ...(cause ? { cause: describeFailure(cause) } : {}),
  };
}

/** Why a task did not succeed, for people: name, message, causes, and where in the user's code it was thrown. */
export function formatFailure(record: OutcomeRecord, verbose: boolean, stream: NodeJS.WriteStream): string {
  const { failure, reason } = record;
  if (failure === undefined) return `task ${record.id} was revoked (${reason ?? 'revoked'})`;
  if (verbose && failure.stack)
    return redact(
      [failure.stack, ...causesOf(failure).map((cause) => `caused by ${cause.stack ?? headOf(cause)}`)].join('\n'),
    );
  const head = [failure, ...causesOf(failure)].map(headOf).join(': caused by ');
  const frames = userFrames(failure.stack).slice(0, shownFrames);
  return redact([head, ...frames.map((frame) => paint('dim', `    at ${frame}`, stream))].join('\n'));
}

/** A thrown value that was no error has only its message. */
function headOf({ name, message }: Failure): string {
  return oneLine(name === 'NonError' ? message : `${name}: ${message}`);
}

function causesOf(failure: Failure): readonly Failure[] {
  return failure.cause === undefined ? [] : [failure.cause, ...causesOf(failure.cause)];
}
