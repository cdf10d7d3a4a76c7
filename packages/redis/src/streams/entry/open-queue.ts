import type { RedisClient } from '../../connection.ts';
import type { Keys } from '../../keys.ts';
import { scriptsOf } from '../../scripts/scripts.ts';
import { StartLog } from '../../start-log.ts';
import type { StoreLink } from '../../store-link.ts';
import { createStreamQueue, group, type StreamQueue } from './stream-queue.ts';

/** Makes the streams and consumer groups of a queue that are not there; resolves with how many were made. */
async function openQueue(client: RedisClient, keys: Keys, queue: StreamQueue): Promise<number> {
  const scripts = scriptsOf(client);
  const [made] = await Promise.all([
    scripts.streamOpen([queue.base], [group]),
    scripts.streamRegister([keys.streamQueues], [queue.name]),
  ]);
  return made;
}

/** Opens those of these queues that the consumer does not read. All at once: a thousand cost a thousand times what one costs. */
export async function openQueues(context: Opening, names: readonly string[]): Promise<readonly StreamQueue[]> {
  const { client, keys, link, queues } = context;
  const starts = new StartLog(client, keys);
  const wanted = [...new Set(names)].filter((name) => !queues.has(name));
  const opened = wanted.map((name) => createStreamQueue(keys, name, starts));
  await Promise.all(opened.map((queue) => link.run((via) => openQueue(via, keys, queue))));
  return opened;
}

/** What opening queues needs of a consumer. */
interface Opening {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly link: StoreLink;
  readonly queues: { has(name: string): boolean };
}

/** What making a queue anew needs of it. */
interface Reopening {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly onError: (error: Error) => void;
}

/** Makes what a running consumer found missing; see isNoGroupError. */
export async function reopenQueue({ client, keys, onError }: Reopening, queue: StreamQueue): Promise<void> {
  const made = await openQueue(client, keys, queue);
  if (made > 0)
    onError(new Error(`queue "${queue.name}" had lost ${made} of its streams or their consumer group: made again`));
}
