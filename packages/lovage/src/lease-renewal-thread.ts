/** For bundled workers: the thread that renews leases while a task blocks the event loop. */
export { runLeaseRenewalThread } from './run-lease-renewal-thread.ts';
