/** For bundled workers: the code that renews their leases in a thread. */
export { createLeaseGuard } from './lease-guard.ts';
