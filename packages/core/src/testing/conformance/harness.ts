import type { Connection } from '../../driver/driver.ts';
import type { Retention } from '../../driver/retention.ts';
import type { HistoryLimits } from '../../history/history-store.ts';

/** What a driver gives the exam: one store of its own per case (own prefix, own data). */
export interface Harness {
  /** The connection under test. A driver for results alone has no broker, and is not given to `brokerConformance`. */
  readonly connection: Connection;
  /** The shortest lease that is safe on this store, so that cases about lost leases are quick. */
  readonly fastLease: FastLease;
  /** Another connection to the same store and prefix, as another process would have. Closed by {@link Harness.close}. */
  another(): Promise<Connection>;
  /** Takes the lease of a running message away behind its holder's back (as a Redis driver: deletes the lock). */
  loseLease?(queue: string, id: string): Promise<void>;
  /** Puts bytes where the queue keeps its messages, as a foreign or broken producer would. */
  injectRaw?(queue: string, body: string): Promise<void>;
  /** Closes every connection of this harness and removes its data. */
  close(): Promise<void>;
}

/** In milliseconds; see `ConsumeRequest`. */
export interface FastLease {
  readonly leaseDuration: number;
  readonly orphanInterval: number;
}

/** What a case asks of its connection: fields of the driver's context. */
export interface HarnessNeeds {
  readonly retention?: Retention;
  readonly history?: HistoryLimits;
}

/** How a driver sits the exam. */
export interface ConformanceOptions {
  /** Opens a fresh harness; called once per case. */
  readonly open: (given?: HarnessNeeds) => Promise<Harness>;
  /** Cases that this driver does not pass, by name, each with the reason. An unknown name is an error. */
  readonly skip?: Readonly<Record<string, string>>;
}
