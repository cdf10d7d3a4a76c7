import type { ConsumeRequest } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import type { BrokerParts } from '../redis-connection.ts';
import { createConsumerName } from './entry/stream-queue.ts';
import { ConsumedQueues } from './read/consumed-queues.ts';
import { InFlightDeliveries } from './read/in-flight-deliveries.ts';

/** What all parts of a consumer share. */
export interface ConsumerContext extends BrokerParts {
  readonly request: ConsumeRequest;
  /** The name of our consumer in the group. */
  readonly name: string;
  /** The connection that fetches and settles. */
  readonly client: RedisClient;
  readonly queues: ConsumedQueues;
  readonly held: InFlightDeliveries;
  readonly onError: (error: Error) => void;
}

/** What reading needs of it. */
export type ReadContext = Pick<
  ConsumerContext,
  'clients' | 'client' | 'clock' | 'keys' | 'name' | 'held' | 'request' | 'onError'
>;

/** What the parts of a new consumer share. */
export async function createContext(parts: BrokerParts, request: ConsumeRequest): Promise<ConsumerContext> {
  const client = await parts.clients.shared('worker');
  const queues = new ConsumedQueues();
  const onError = (error: Error): void => {
    if (queues.closing && client.status === 'end') return; // we ended the connection ourselves
    request.onError(error);
  };
  const name = createConsumerName(request.worker, request.leaseDuration);
  return { ...parts, request, name, client, queues, held: new InFlightDeliveries(), onError };
}
