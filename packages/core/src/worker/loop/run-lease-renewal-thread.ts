/** The program of the thread beside the event loop. It imports next to nothing until the loop is blocked for the first time. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import type { LeaseGuard, LeaseGuardModule, LeaseGuardPlan } from '../../driver/lease-guard.ts';
import { type BlockedLimitAction, reportBlock } from './blocked-loop.ts';
import { type LeaseRenewalSettings, LeaseRenewalThread } from './lease-renewal-thread.ts';

/** What the thread is started with. */
export interface LeaseRenewalSetup extends LeaseRenewalSettings {
  readonly thread: number;
  readonly action: BlockedLimitAction;
}

/** To the thread. */
export type ToLeaseRenewal =
  | { readonly type: 'plan'; readonly plan: LeaseGuardPlan }
  | { readonly type: 'limits'; readonly limits: SharedArrayBuffer };

/** From the thread, once, when it looks: the drivers whose code it has in it. */
export interface LeaseRenewalReady {
  readonly guards: readonly string[];
}

/** Loads the code that renews the leases of a driver, by the name of its package. */
export type LeaseGuardModules = Readonly<Record<string, () => Promise<LeaseGuardModule>>>;

/**
 * Runs this thread as the one that renews a worker's leases while its event loop is blocked. Called by the program that
 * `startWorker` finds by itself, or that a bundled worker gives as `leaseRenewalThread`; does nothing outside a thread.
 */
export function runLeaseRenewalThread(guards: LeaseGuardModules = {}): void {
  const setup = workerData as LeaseRenewalSetup | null;
  if (parentPort === null || !setup?.counters) return;
  const { thread, action } = setup;
  const tools = {
    open: (plan: LeaseGuardPlan) => openGuard(plan, guards),
    report: (overdue: Parameters<typeof reportBlock>[0]['overdue']) => void reportBlock({ thread, action, overdue }),
  };
  const renewalThread = new LeaseRenewalThread(setup, tools, systemClock.monotonic());
  parentPort.on('message', (message: ToLeaseRenewal) => {
    if (message.type === 'plan') renewalThread.follow(message.plan);
    else renewalThread.setLimits(message.limits);
  });
  const look = (): void => {
    renewalThread.look(systemClock.monotonic());
    systemClock.after(setup.interval, look);
  };
  look();
  const ready: LeaseRenewalReady = { guards: Object.keys(guards) };
  parentPort.postMessage(ready);
}

async function openGuard({ name, module, data }: LeaseGuardPlan, guards: LeaseGuardModules): Promise<LeaseGuard> {
  const load = guards[name] ?? (() => import(module as string) as Promise<LeaseGuardModule>); // checked at the start
  return (await load()).createLeaseGuard(data);
}
