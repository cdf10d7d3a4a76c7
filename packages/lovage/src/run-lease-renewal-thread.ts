import { runLeaseRenewalThread as run } from '@lovage/core/lease-renewal-thread';

/**
 * Runs this thread as the one that renews a worker's leases while a task blocks its event loop, for the drivers of this package.
 * Bundle a module that calls it as an entry of its own, and give `startWorker` its URL as `leaseRenewalThread`.
 */
export function runLeaseRenewalThread(): void {
  run({ '@lovage/redis': () => import('@lovage/redis/lease-guard') });
}
