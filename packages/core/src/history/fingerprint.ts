import { createHash } from 'node:crypto';
import type { Failure } from '../message/failure.ts';
import { userFrames } from '../message/user-frames.ts';
import type { RunError } from './run-row.ts';

const longestMessage = 300;

/** The first frame of a stack in the user's own code, without "at"; undefined when there is none. */
export function firstUserFrame(stack: string | undefined): string | undefined {
  return userFrames(stack)[0];
}

/** The message without what differs from one failure to the next: ids, numbers, quoted values, addresses. */
export function withoutVariables(message: string): string {
  return message
    .slice(0, 2_000)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi, '<id>')
    .replace(/\d+(?:\.\d+)*/g, '<n>');
}

/** An error in brief, with the group it belongs to: its name, its message without numbers and ids, and the first user frame. */
export function toRunError(failure: Pick<Failure, 'name' | 'message' | 'stack'>): RunError {
  const frame = firstUserFrame(failure.stack);
  const { name, message } = failure;
  return {
    name,
    message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
    fingerprint: fingerprintOf({ name, message, frame }),
    ...(frame === undefined ? {} : { frame }),
  };
}

/** Twelve hexadecimal digits. The column of the frame is left out: a formatter moves it. */
export function fingerprintOf(error: {
  readonly name: string;
  readonly message: string;
  readonly frame: string | undefined;
}): string {
  const place = error.frame?.replace(/:\d+(\)?)$/, '$1') ?? '';
  const text = `${error.name}\n${withoutVariables(error.message)}\n${place}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
