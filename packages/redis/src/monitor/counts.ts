import type { QueueCounts } from '@lovage/core/driver';
import { isAuthenticationError, isConnectionError } from '../store-errors.ts';

/** The counts, or what is wrong with this one queue (a key of another type): the others are counted all the same. */
export async function countsOrProblem(queue: string, counting: Promise<QueueCounts>): Promise<QueueCounts> {
  try {
    return await counting;
  } catch (error) {
    if (isConnectionError(error) || isAuthenticationError(error)) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    return { queue, waiting: 0, delayed: 0, blocked: 0, running: 0, dead: 0, paused: false, problem };
  }
}
