import type { Clock } from '../clock.ts';
import type { Broker } from '../driver/broker.ts';
import type { ConcurrencyLimiter } from '../flow/concurrency-limiter.ts';
import type { Message } from '../message/message.ts';
import type { SizeLimit } from '../message/payload-codec.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { ResultContext } from '../results/async-result.ts';
import type { Router } from '../task/route.ts';
import type { UniqueStores } from '../unique/unique.ts';
import type { BeforePublish } from './call-options.ts';
import type { RateLines } from './rate-lines.ts';

/** What the producer needs of the app. */
export interface ProducerContext {
  readonly clock: Clock;
  /** The broker at once when it is open, else a promise of it. */
  readonly broker: () => Broker | Promise<Broker>;
  /** The broker's URL without its password, for errors. */
  readonly brokerName: () => string;
  readonly results: ResultContext;
  /** How many milliseconds the broker's clock is ahead. */
  readonly clockOffset: () => MaybePromise<number>;
  /** What unique calls are checked against. */
  readonly uniqueStores: () => Promise<UniqueStores>;
  readonly resultExpires: number;
  readonly router: Router;
  readonly defaultQueue: string;
  readonly broadcastQueues: ReadonlySet<string>;
  readonly publishTimeout: number;
  readonly maxPayload: SizeLimit;
  /** Lets messages in that wait for their turn. */
  readonly concurrencyLimiter: ConcurrencyLimiter;
  /** Where calls of rate-limited tasks wait. */
  readonly rateLines: RateLines;
  /** Told of messages the broker has accepted. */
  readonly onSent?: ((messages: readonly Message[]) => void) | undefined;
  /** Told of messages that the broker did not accept, or may have accepted with its answer lost. */
  readonly onUnsent?: ((messages: readonly Message[], error: unknown) => void) | undefined;
  /** Changes or refuses calls, for plugins. */
  readonly beforePublish?: BeforePublish | undefined;
}
