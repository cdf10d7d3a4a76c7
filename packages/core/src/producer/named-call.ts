import { LovageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { MaybePromise } from '../options/schema.ts';

/** One of several calls of a task. */
export interface NamedCall {
  readonly id: string;
  readonly args: readonly unknown[];
  /** Its ordering key, in place of what the task's `orderingKey` says. */
  readonly order?: string;
}

/** The messages of calls, in order, and the errors of those that cannot be sent, by their place in the list. */
export async function collectMessages(
  calls: readonly NamedCall[],
  make: (call: NamedCall) => MaybePromise<Message>,
): Promise<{ readonly messages: readonly Message[]; readonly refused: ReadonlyMap<number, LovageError> }> {
  const messages: Message[] = [];
  const refused = new Map<number, LovageError>();
  for (const [index, call] of calls.entries()) {
    try {
      const made = make(call);
      const message = made instanceof Promise ? await made : made;
      messages.push(call.order === undefined ? message : { ...message, turn: { ...message.turn, order: call.order } });
    } catch (error) {
      if (!(error instanceof LovageError)) throw error;
      refused.set(index, error);
    }
  }
  return { messages, refused };
}
