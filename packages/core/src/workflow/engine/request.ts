import type { Failure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import type { MaybePromise, SchemaCodec } from '../../options/schema.ts';
import type { EntryKind } from '../log-entry.ts';
import type { OpenPromise } from './run-promise.ts';

/** Something that the code of a run asked for. */
export interface Request {
  readonly key: string;
  readonly kind: EntryKind;
  readonly open: OpenPromise<unknown>;
  /** When it was asked for, epoch ms. */
  readonly since: number;
  /** The stored value as the code sees it. */
  readonly decode: ((value: JsonValue | undefined) => MaybePromise<unknown>) | undefined;
  /** What it waits for; undefined while it is work in this process. */
  wait: Wait | undefined;
  /** It has an outcome, stored or on its way. */
  ended: boolean;
  /** The outcome was handed over. */
  delivered: boolean;
}

/** What a request waits for. */
export interface Wait {
  /** When the wait is over by itself, epoch ms. */
  readonly until?: number;
  /** What is done then. */
  readonly onTime?: () => void;
  /** The id of the child whose end it waits for. */
  readonly child?: string;
  readonly event?: EventWait;
}

/** How it waits for an event. */
export interface EventWait {
  readonly name: string;
  readonly schema: SchemaCodec | undefined;
}

/** How a request ends. */
export interface Completion {
  readonly request: Request;
  readonly result: { readonly value?: JsonValue; readonly failure?: Failure };
  /** The inbox item that it consumes. */
  readonly consumed?: string;
  /** It is a timeout: an item that came before it wins. */
  readonly timedOut?: boolean;
}

/** How the taking of a run ended. */
export type RunEnd =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly key?: string }
  | { readonly kind: 'revoked'; readonly reason: string; readonly failure?: Failure }
  | { readonly kind: 'continued'; readonly input: unknown }
  | { readonly kind: 'diverged'; readonly error: Error }
  /** It waits in the broker. */
  | { readonly kind: 'parked'; readonly at: number }
  /** Another worker has it. */
  | { readonly kind: 'fenced' }
  /** The worker ends. */
  | { readonly kind: 'released' };

/** A request that has just been made. */
export function newRequest(given: Pick<Request, 'key' | 'kind' | 'open' | 'since' | 'decode'>): Request {
  return { ...given, wait: undefined, ended: false, delivered: false };
}
