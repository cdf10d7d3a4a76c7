import {
  type ConnectionOptions,
  type LeaseGuard,
  type LeaseGuardPlan,
  type LeaseGuardSource,
  systemClock,
} from '@lovage/core/driver';
import { RedisClients } from './connection.ts';
import { createKeys } from './keys.ts';
import { parseRedisUrl } from './redis-url.ts';
import { scriptsOf } from './scripts/scripts.ts';
import { StoreLink } from './store-link.ts';
import { group } from './streams/entry/stream-queue.ts';

/** How a connection was opened. */
export interface Origin {
  readonly url: string;
  readonly prefix: string | undefined;
  readonly connection: ConnectionOptions;
}

/** What a thread needs to renew a consumer's leases. */
export interface HeldLeases {
  readonly origin: Origin;
  readonly driver: 'bullmq' | 'streams';
  /** The consumer, as its locks or the group know it. */
  readonly holder: string;
  readonly queues: readonly string[];
  /** In milliseconds. */
  readonly leaseDuration: number;
}

/** Entries of one stream that are renewed: as many as one script call may look at. */
const mostOfStream = 5_000;

/** Where this module is, compiled: threads load no TypeScript of ours. A bundler may have taken it away. */
export function leaseGuardSource(): LeaseGuardSource {
  const here: string | undefined = import.meta.url; // undefined in a CommonJS bundle
  const path = here?.endsWith('.ts') ? '../dist/lease-guard.js' : './lease-guard.js';
  return { name: '@lovage/redis', module: here ? new URL(path, here).href : undefined };
}

/** How a thread renews these leases. */
export function planLeaseGuard(held: HeldLeases): LeaseGuardPlan {
  return { ...leaseGuardSource(), data: held };
}

/** In the thread. What the consumer holds is asked of Redis, since the consumer cannot say it: its event loop is blocked. */
export function createLeaseGuard(data: unknown): LeaseGuard {
  const { origin, driver, holder, queues, leaseDuration } = data as HeldLeases; // from planLeaseGuard, by a structured clone
  const target = parseRedisUrl(origin.url);
  const keys = createKeys(target, origin.prefix);
  const clients = new RedisClients(target, origin.connection);
  const link = new StoreLink(clients, systemClock, leaseDuration);
  const renew = (queue: string): Promise<number> =>
    link.run((client) =>
      driver === 'bullmq'
        ? scriptsOf(client).renewHeldJobs([keys.job(queue, 'active')], [keys.job(queue, ''), holder, leaseDuration])
        : scriptsOf(client).renewHeldEntries([keys.stream(queue)], [group, holder, mostOfStream]),
    );
  return {
    renew: async () => (await Promise.all(queues.map(renew))).reduce((sum, renewed) => sum + renewed, 0),
    close: () => clients.close(),
  };
}
