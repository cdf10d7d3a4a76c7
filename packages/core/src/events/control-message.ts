import type { JsonValue } from '../message/json.ts';

/** Where questions to workers are sent; every worker listens. */
export const controlTopic = 'control';

/** Where commands are sent that change what workers do: apart, so that a store's access control can tell who may send them. */
export const changeTopic = 'control-change';

/** Commands that only ask: whoever may look at workers may send them. */
export const questions: ReadonlySet<string> = new Set([
  'ping',
  'stats',
  'active',
  'registered',
  'query',
  'revoked',
  'conf',
]);

/** Where a command is sent. */
export function topicOf(command: string): string {
  return questions.has(command) ? controlTopic : changeTopic;
}

/** Where the answers to one command go. */
export function replyTopic(requestId: string): string {
  return `control-reply.${requestId}`;
}

/** The fields of a command. */
export type ControlArgs = { readonly [key: string]: JsonValue };

/** A remote command. */
export interface ControlRequest {
  readonly id: string;
  readonly command: string;
  readonly args: ControlArgs;
  /** Names of workers, or globs over them; absent: all. */
  readonly destination?: readonly string[];
}

/** What one worker answered; `error` says why it could not do it. */
export interface ControlReply {
  readonly worker: string;
  readonly reply?: JsonValue;
  readonly error?: string;
}

/** A command from the wire; undefined for anything else, since the bus is open to whoever reaches the broker. */
export function parseRequest(input: JsonValue): ControlRequest | undefined {
  if (!isFields(input)) return undefined;
  const { id, command, args = {}, destination } = input;
  if (typeof id !== 'string' || !/^[\w-]{1,100}$/.test(id) || typeof command !== 'string' || !isFields(args))
    return undefined;
  if (destination === undefined) return { id, command, args };
  const names = Array.isArray(destination) ? destination : [];
  return { id, command, args, destination: names.slice(0, mostNames).filter(isPattern) };
}

/** Names and patterns of one command that are looked at, and how long each may be: a worker's name is much shorter. */
const mostNames = 10_000;
const longestName = 500;

function isPattern(name: JsonValue): name is string {
  return typeof name === 'string' && name.length <= longestName;
}

/** An answer from the wire; undefined for anything else. */
export function parseReply(input: JsonValue): ControlReply | undefined {
  if (!isFields(input)) return undefined;
  const { worker, reply, error } = input;
  if (typeof worker !== 'string') return undefined;
  return {
    worker,
    ...(reply === undefined ? {} : { reply }),
    ...(typeof error === 'string' ? { error } : {}),
  };
}

function isFields(input: JsonValue): input is { readonly [key: string]: JsonValue } {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}
