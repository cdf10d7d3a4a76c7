/** The program of the watchman's thread. It imports next to nothing until the loop is blocked for the first time. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import type { LeaseGuardModule, LeaseGuardPlan } from '../../driver/lease-guard.ts';
import { Watchman, type WatchmanOrders } from './lease-renewal-thread.ts';

const orders = workerData as WatchmanOrders;
const open = async ({ module, data }: LeaseGuardPlan) =>
  ((await import(module)) as LeaseGuardModule).createLeaseGuard(data);
const watchman = new Watchman(orders, open, systemClock.monotonic());
parentPort?.on('message', (plan: LeaseGuardPlan | undefined) => watchman.follow(plan));
const stand = (): void => {
  watchman.look(systemClock.monotonic());
  systemClock.after(orders.interval, stand);
};
stand();
