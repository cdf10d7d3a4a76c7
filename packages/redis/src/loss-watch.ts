import { BrokerDataLossError, newTaskId } from '@lovage/core/driver';
import type { RedisClient } from './connection.ts';

/** Says that Redis has lost what it had accepted. */
export function dataLoss(display: string): BrokerDataLossError {
  return new BrokerDataLossError(
    `Redis at ${display} came back without its data: tasks that it had accepted and that had not ended are lost, ` +
      'and so are results (set appendonly yes)',
  );
}

/** What a watch for loss needs. */
export interface LossWatch {
  readonly client: RedisClient;
  /** Where the mark is kept. */
  readonly key: string;
  readonly onLoss: () => void;
}

/**
 * Leaves a mark in Redis, and looks for it whenever the connection is there again. It tells an empty Redis, not one that
 * lost its last writes: nobody can without asking for every one of them.
 */
export function watchForLoss({ client, key, onLoss }: LossWatch): void {
  let mark: string | null = null;
  const look = async (): Promise<void> => {
    await client.set(key, newTaskId(), 'NX'); // the first one that finds it empty
    const found = await client.get(key);
    if (mark !== null && found !== mark) onLoss();
    mark = found;
  };
  client.on('ready', () => void look().catch(() => {})); // cut off again: looked for at the next connection
}
