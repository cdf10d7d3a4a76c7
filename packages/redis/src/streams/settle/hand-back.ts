import type { Clock, CloseReport } from '@lovage/core/driver';
import { scriptsOf } from '../../scripts/scripts.ts';
import type { ConsumerContext } from '../consumer-context.ts';
import { group } from '../entry/stream-queue.ts';
import type { Settler } from './settler.ts';

/** How long handing back may take at least, in milliseconds. */
const shortestHandBack = 250;

/**
 * Hands back unspent what still runs, waits a moment for what is being settled, and takes leave of the groups. `quiet` resolves when
 * nothing is held and nothing may still come; `reading`: messages may still come.
 */
export async function handBackAll(
  context: ConsumerContext,
  settler: Settler,
  reading: boolean,
  quiet: () => Promise<void>,
): Promise<CloseReport> {
  const { clock, client, keys, name, queues, held } = context;
  const left = [...held];
  if (client.status !== 'ready') return { released: 0, abandoned: left.length };
  let released = 0;
  if (left.length > 0 || reading) {
    const back = left
      .filter(({ state }) => state === 'running')
      .map(async (delivery) => {
        if (await settler.handBack(delivery)) released += 1;
        delivery.lose();
      });
    await within(clock, Promise.all([...back, quiet()]));
  }
  const abandoned = left.filter(({ state }) => state !== 'over').length;
  const scripts = scriptsOf(client);
  await within(
    clock,
    Promise.all(queues.known.map((queue) => scripts.streamLeave([keys.stream(queue)], [group, name]))),
  );
  return { released, abandoned };
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
