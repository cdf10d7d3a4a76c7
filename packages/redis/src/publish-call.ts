import { PublishError } from '@lovage/core/driver';

/** One call of `publish`, which ends when each of its messages has been accepted or refused. */
export interface Call {
  left: number;
  readonly all: number;
  refused: Map<string, Error> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One message of a call. */
export interface Sent {
  readonly id: string;
  readonly call: Call;
  over: boolean;
}

/** Counts a message that is over, and ends the call with its last one. */
export function accept(sent: Sent): void {
  if (sent.over) return;
  sent.over = true;
  const { call } = sent;
  call.left -= 1;
  if (call.left > 0) return;
  if (call.refused) call.reject(refusal(call.refused, call.all));
  else call.resolve();
}

/** Counts a message that was refused, with the reason. */
export function refuse(sent: Sent, error: Error): void {
  if (sent.over) return;
  sent.call.refused ??= new Map();
  sent.call.refused.set(sent.id, error);
  accept(sent);
}

function refusal(refused: ReadonlyMap<string, Error>, all: number): Error {
  const errors = [...refused.values()];
  const [first] = errors;
  const alike = errors.every((error) => error.constructor === first?.constructor);
  return refused.size === all && alike && first ? first : new PublishError(refused);
}
