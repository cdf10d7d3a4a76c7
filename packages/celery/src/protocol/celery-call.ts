import type { JsonValue } from '@lovage/core/driver';
import type { Fields } from './json-schema.ts';

/** A task message that is to be sent, whatever the transport. */
export interface CeleryCall {
  readonly id: string;
  readonly queue: string;
  readonly headers: Fields;
  readonly args: readonly JsonValue[];
  readonly kwargs: Fields;
  /** `{ callbacks, errbacks, chain, chord }`, each as it goes over the wire. */
  readonly embed: Fields;
  /** correlation_id, reply_to, priority and the like; what is the transport's is added by it. */
  readonly properties: Fields;
}

/** Nothing follows. */
export const emptyEmbed: Fields = { callbacks: null, errbacks: null, chain: null, chord: null };

/** The body of a call as JSON. */
export function bodyOf({ args, kwargs, embed }: CeleryCall): string {
  return JSON.stringify([args, kwargs, embed]);
}
