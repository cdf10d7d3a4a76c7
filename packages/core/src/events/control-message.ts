import type { JsonValue } from '../task/json.ts';

/** Where remote commands are sent; every worker listens. */
export const controlTopic = 'control';

/** Where the answers to one command go. */
export function replyTopic(requestId: string): string {
  return `control-reply.${requestId}`;
}

/** A remote command. */
export interface ControlRequest {
  readonly id: string;
  readonly command: string;
}

/** What one worker answered. */
export interface ControlReply {
  readonly worker: string;
  readonly reply: JsonValue;
}

/** A command from the wire; undefined for anything else, since the bus is open to whoever reaches the broker. */
export function parseRequest(input: JsonValue): ControlRequest | undefined {
  if (!isFields(input)) return undefined;
  const { id, command } = input;
  if (typeof id !== 'string' || !/^[\w-]{1,100}$/.test(id) || typeof command !== 'string') return undefined;
  return { id, command };
}

/** An answer from the wire; undefined for anything else. */
export function parseReply(input: JsonValue): ControlReply | undefined {
  if (!isFields(input)) return undefined;
  const { worker, reply } = input;
  return typeof worker === 'string' && reply !== undefined ? { worker, reply } : undefined;
}

function isFields(input: JsonValue): input is { readonly [key: string]: JsonValue } {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}
