import type { JsonValue } from '@lovage/core/driver';
import type { Fields } from '../protocol/json-schema.ts';

/** A message of Celery's remote control or events. */
export interface RemoteMessage {
  readonly body: JsonValue;
  readonly headers: Fields;
}

/** Where a reply goes. */
export interface ReplyAddress {
  readonly exchange: string;
  readonly routing_key: string;
}

/** Ends a subscription. Never rejects. */
export type Unlisten = () => Promise<void>;

/** How remote control and events travel. */
export interface RemoteTransport {
  /** To whoever listens now; resolves with how many do, where that is known. */
  broadcast(exchange: string, routingKey: string, message: RemoteMessage): Promise<number | undefined>;
  /** Hears commands to the node of this name. */
  listenToCommands(node: string, listener: (message: RemoteMessage) => void): Promise<Unlisten>;
  /** Hears broadcasts of an exchange that carries events. */
  listenToEvents(exchange: string, listener: (message: RemoteMessage) => void): Promise<Unlisten>;
  reply(to: ReplyAddress, message: RemoteMessage): Promise<void>;
  /** Hears replies to what is asked with this routing key. */
  collectReplies(routingKey: string, listener: (message: RemoteMessage) => void): Promise<Unlisten>;
}

export const exchanges = {
  commands: 'celery.pidbox',
  replies: 'reply.celery.pidbox',
  events: 'celeryev',
  /** Everything of ours that Celery has no word for. */
  own: 'lovage',
} as const;
