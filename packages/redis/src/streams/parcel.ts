import { type Message, PublishError, visibleAt } from '@lovage/core/driver';
import { encodePayload } from './entry.ts';

/** One call of `publish`, which ends when each of its messages has been accepted or refused. */
export interface Call {
  left: number;
  readonly all: number;
  refused: Map<string, Error> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A message on its way, encoded when it was handed over: its owner may change it afterwards. */
export interface Parcel {
  readonly queue: string;
  readonly band: number;
  readonly due: number | undefined;
  readonly id: string;
  payload: string;
  readonly call: Call;
  over: boolean;
}

/** A message as a parcel. Throws for what JSON cannot carry. */
export function toParcel(message: Message, call: Call): Parcel {
  return {
    queue: message.queue,
    band: message.priority,
    due: visibleAt(message),
    id: message.id,
    payload: encodePayload(message),
    call,
    over: false,
  };
}

/** Counts a message that is over, and ends the call with its last one. */
export function accept(parcel: Parcel): void {
  if (parcel.over) return;
  parcel.over = true;
  const { call } = parcel;
  call.left -= 1;
  if (call.left > 0) return;
  if (call.refused) call.reject(refusal(call.refused, call.all));
  else call.resolve();
}

function refusal(refused: ReadonlyMap<string, Error>, all: number): Error {
  const errors = [...refused.values()];
  const [first] = errors;
  const alike = errors.every((error) => error.constructor === first?.constructor);
  return refused.size === all && alike && first ? first : new PublishError(refused);
}
