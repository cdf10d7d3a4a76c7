/** The program of the thread beside the event loop, of a worker that is no bundle. */
import { runLeaseRenewalThread } from './run-lease-renewal-thread.ts';

runLeaseRenewalThread();
