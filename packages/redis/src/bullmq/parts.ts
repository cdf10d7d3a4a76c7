import type { Clock, ConsumeRequest, Deliver, Retention } from '@lovage/core/driver';
import type { RedisClients } from '../connection.ts';
import type { Keys } from '../keys.ts';
import type { Origin } from '../lease-guard.ts';
import type { EndedLog } from '../retention/ended-log.ts';
import type { StoreClock } from '../store-clock.ts';
import type { StoreLink } from '../store-link.ts';

/** What the broker is made of. */
export interface BrokerParts {
  readonly clients: RedisClients;
  readonly link: StoreLink;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly publishTimeout: number;
  readonly ended: EndedLog;
  readonly retention: Retention;
  readonly origin: Origin;
  readonly storeClock: StoreClock;
  /** Whether BullMQ's `QueueEvents` are told of every job. */
  readonly queueEvents: boolean;
}

/** What a consumer is made of. */
export interface ConsumerParts extends BrokerParts {
  readonly request: ConsumeRequest;
  readonly deliver: Deliver;
  /** Called when the consumer has closed. */
  readonly onClosed: () => void;
}
