import type { Clock, CloseReport } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import type { Flusher } from './flusher.ts';
import type { HeldDeliveries } from './held-deliveries.ts';

/** How long handing back may take at least, in milliseconds. */
const shortestHandBack = 250;

/** What is left when a consumer closes. */
export interface Leftovers {
  readonly clock: Clock;
  readonly client: RedisClient;
  readonly flusher: Flusher;
  readonly held: HeldDeliveries;
  /** Whether messages may still come. */
  readonly reading: boolean;
  /** Resolves when nothing is held and nothing may still come. */
  readonly quiet: () => Promise<void>;
}

/** Hands back unspent what still runs, and waits a moment for what is being settled. */
export async function handBackAll({ clock, client, flusher, held, reading, quiet }: Leftovers): Promise<CloseReport> {
  const left = [...held];
  if (left.length === 0 && !reading) return { released: 0, abandoned: 0 };
  if (client.status !== 'ready') return { released: 0, abandoned: left.length };
  let released = 0;
  const running = left.filter(({ state }) => state === 'running');
  const back = running.map(async (delivery) => {
    if (await flusher.handBack(delivery)) released += 1;
    delivery.lose();
  });
  await within(clock, Promise.all([...back, quiet()]));
  return { released, abandoned: left.filter(({ state }) => state !== 'over').length };
}

/** Resolves when this work is done, or the time for it is over. */
function within(clock: Clock, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(shortestHandBack, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
