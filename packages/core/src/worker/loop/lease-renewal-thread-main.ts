/** The program of the watchman's thread. It imports next to nothing until the loop is blocked for the first time. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import type { LeaseGuardModule, LeaseGuardPlan } from '../../driver/lease-guard.ts';
import { type LeaseRenewalSettings, LeaseRenewalThread } from './lease-renewal-thread.ts';

const settings = workerData as LeaseRenewalSettings;
const open = async ({ module, data }: LeaseGuardPlan) =>
  ((await import(module)) as LeaseGuardModule).createLeaseGuard(data);
const renewalThread = new LeaseRenewalThread(settings, open, systemClock.monotonic());
parentPort?.on('message', (plan: LeaseGuardPlan | undefined) => renewalThread.follow(plan));
const stand = (): void => {
  renewalThread.look(systemClock.monotonic());
  systemClock.after(settings.interval, stand);
};
stand();
