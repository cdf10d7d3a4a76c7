import { type Message, visibleAt } from '@lovage/core/driver';
import type { Call, Sent } from '../../publish-call.ts';
import { encodePayload } from '../entry/entry.ts';

/** A message on its way, encoded when it was handed over: its owner may change it afterwards. */
export interface OutgoingEntry extends Sent {
  readonly queue: string;
  readonly band: number;
  readonly due: number | undefined;
  readonly id: string;
  payload: string;
}

/** A message as a parcel. Throws for what JSON cannot carry. */
export function toOutgoingEntry(message: Message, call: Call): OutgoingEntry {
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
