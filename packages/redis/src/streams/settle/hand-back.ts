import type { Clock, CloseReport } from '@lovage/core/driver';
import type { RedisClient } from '../../connection.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import { group } from '../entry/stream-queue.ts';
import type { InFlightDeliveries } from '../read/in-flight-deliveries.ts';
import type { StreamDelivery } from './delivery.ts';
import type { Flusher } from './flusher.ts';

/** How long handing back may take at least, in milliseconds. */
const shortestHandBack = 250;

/** What is left when a consumer closes. */
export interface Leftovers {
  readonly clock: Clock;
  readonly client: RedisClient;
  readonly flusher: Flusher;
  readonly held: InFlightDeliveries;
  /** The name of our consumer in the group, and what the keys of its queues begin with. */
  readonly consumer: string;
  readonly bases: readonly string[];
  /** Whether messages may still come. */
  readonly reading: boolean;
  /** Resolves when nothing is held and nothing may still come. */
  readonly quiet: () => Promise<void>;
}

/** Hands back unspent what still runs, waits a moment for what is being settled, and takes leave of the group. */
export async function handBackAll(leftovers: Leftovers): Promise<CloseReport> {
  const { clock, client, bases, consumer } = leftovers;
  const left = [...leftovers.held];
  if (client.status !== 'ready') return { released: 0, abandoned: left.length };
  const report = left.length === 0 && !leftovers.reading ? nothing : await handBack(leftovers, left);
  const scripts = scriptsOf(client);
  await within(clock, Promise.all(bases.map((base) => scripts.streamLeave([base], [group, consumer]))));
  return report;
}

const nothing: CloseReport = { released: 0, abandoned: 0 };

async function handBack({ clock, flusher, quiet }: Leftovers, left: readonly StreamDelivery[]): Promise<CloseReport> {
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
