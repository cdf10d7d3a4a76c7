/** Where the code is that renews a driver's leases. It is known before a consumer is there. */
export interface LeaseGuardSource {
  /** The driver's package: how a thread of a bundled program, which has the code in it, finds it. */
  readonly name: string;
  /** URL of a module that exports `createLeaseGuard(data): LeaseGuard`; undefined where a bundler has taken it away. */
  readonly module: string | undefined;
}

/**
 * How a thread of the worker's process renews a consumer's leases while the event loop is blocked and nothing else of the
 * driver runs. What a thread can be given is data, so the driver names a module of its own, which the thread imports.
 */
export interface LeaseGuardPlan extends LeaseGuardSource {
  /** What that function is given: anything a structured clone can carry. */
  readonly data: unknown;
}

/** In that thread, for the length of one block. */
export interface LeaseGuard {
  /** Renews every lease that the consumer holds, by what the store says it holds; resolves with how many. */
  renew(): Promise<number>;
  /** Ends its connections. */
  close(): void;
}

/** What the module of a {@link LeaseGuardPlan} exports. */
export interface LeaseGuardModule {
  createLeaseGuard(data: unknown): LeaseGuard;
}
