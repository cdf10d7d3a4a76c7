/** For bundled workers: the thread that renews leases while the event loop is blocked. */
export type { LeaseGuardModules } from './worker/loop/run-lease-renewal-thread.ts';
export { runLeaseRenewalThread } from './worker/loop/run-lease-renewal-thread.ts';
