import type { Clock } from '../clock.ts';
import type { Finding } from '../events/finding.ts';
import type { HistoryLimits, HistoryStore } from '../history/history-store.ts';
import type { Logger } from '../logger.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { AccessGrant, AccessRequest } from './access.ts';
import type { Broker } from './broker.ts';
import type { Bus } from './bus.ts';
import type { LeaseStore } from './lease-store.ts';
import type { Monitor } from './monitor.ts';
import type { NativeCanvas } from './native-canvas.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { ResultBackend } from './result-backend.ts';
import type { Retention } from './retention.ts';
import type { RevocationStore } from './revocation-store.ts';
import type { ScheduleStore } from './schedule-store.ts';
import type { SchemaKeeper } from './schema-keeper.ts';
import type { Semaphore } from './semaphore.ts';
import type { SharedRegistry } from './shared-registry.ts';
import type { UniqueKeyStore } from './unique-key-store.ts';
import type { WorkflowStore } from './workflow-store.ts';

/** A package's bundle of implementations for one technology, found by URL scheme. */
export interface Driver {
  /** For people: `BullMQ on Redis`. */
  readonly name: string;
  /** URL schemes without the colon, as in `['redis', 'rediss']`. */
  readonly schemes: readonly string[];
  /** Opens what the URL names, without waiting for the network. Throws {@link BrokerUrlError} for a URL it cannot read. */
  connect(url: string, context: DriverContext): Connection;
  /** The store's user with the least rights for a role, for its administrator. Absent: the store has no users of its own. */
  access?(url: string, request: AccessRequest): AccessGrant;
}

/** What a driver is given. */
export interface DriverContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Namespace of every key; undefined means the driver's own default. */
  readonly prefix: string | undefined;
  readonly connection: ConnectionOptions;
  /** The queue of tasks that nothing routes. @default the driver's own */
  readonly defaultQueue?: string;
  /** How long a reply to a publish may take, in milliseconds. */
  readonly publishTimeout: number;
  /** What is kept of work that is over. @default {@link defaultRetention} */
  readonly retention?: Retention;
  /** What is kept of what happened. @default {@link defaultHistoryLimits} */
  readonly history?: HistoryLimits;
}

/** Options of the network connections. */
export interface ConnectionOptions {
  /** A socket silent for so long while a reply is due is dead, in milliseconds. @default 15000 */
  readonly socketTimeout: number;
  /** @default 5000 (milliseconds) */
  readonly connectTimeout: number;
  /** Node's TLS options, for `rediss://` and the like. */
  readonly tls?: Readonly<Record<string, unknown>>;
}

/** An open connection to one store: what it can do. A driver for results alone has no broker, and the other way round. */
export interface Connection {
  /** The URL without its password, for people. */
  readonly display: string;
  readonly broker?: Broker;
  readonly results?: ResultBackend;
  readonly bus?: Bus;
  readonly leases?: LeaseStore;
  readonly uniqueKeys?: UniqueKeyStore;
  readonly schedules?: ScheduleStore;
  readonly sharedRegistry?: SharedRegistry;
  readonly limits?: RateLimiter;
  readonly revocations?: RevocationStore;
  readonly semaphore?: Semaphore;
  readonly workflows?: WorkflowStore;
  readonly monitor?: Monitor;
  readonly history?: HistoryStore;
  /** A store that has tables: makes them. */
  readonly schema?: SchemaKeeper;
  /** Canvases in the broker's own form; absent: Lovage's plans, in the result store. */
  readonly canvas?: NativeCanvas;
  /** True when an `ack` with an outcome stores it in `results` of this same connection, in the step that completes the message. */
  readonly acksWithOutcome: boolean;
  /** True when an `ack` with an outcome may carry the member's place in its group too: see `AckJoin`. @default false */
  readonly acksWithJoin?: boolean;
  /**
   * How many milliseconds the store's clock is ahead of {@link DriverContext.clock}: at once where it is known. Never
   * rejects: a store that cannot be asked is taken to agree. @default 0
   */
  clockOffset?(): MaybePromise<number>;
  /**
   * Deletes what is over and too old or too much, by the {@link Retention} of the context. Workers call it every few
   * seconds, also when nothing ends; of several at once, one does the work.
   */
  sweep?(): Promise<void>;
  /**
   * Resolves when the store answers. Throws {@link BrokerUnavailableError} (or a kin) after `timeout` milliseconds. `thorough` looks
   * at all that can be wrong with it, for `lovage doctor`: dozens of commands.
   */
  check(timeout: number, thorough?: boolean): Promise<StoreReport>;
  /** Ends every socket and timer within `deadline` milliseconds, also when the store is dead. */
  close(deadline: number): Promise<void>;
}

/** What {@link Connection.check} found. */
export interface StoreReport {
  /** For people: `Redis 7.0.15`. */
  readonly version: string;
  /** Settings under which acknowledged tasks can be lost, one sentence each with what to do. */
  readonly warnings: readonly string[];
  /** What a thorough look found, also what is well. */
  readonly findings?: readonly Finding[];
}
