import type { AcquireRequest } from '../driver/semaphore.ts';
import type { Share } from '../message/flow-control.ts';
import type { Message } from '../message/message.ts';

/** The group of an ordering key: one place. */
export function orderGroup(task: string, key: string): string {
  return `o:${JSON.stringify([task, key])}`;
}

/** What {@link orderGroup} was given; undefined for a group of another kind. */
export function orderedKeyOf(group: string): { readonly task: string; readonly key: string } | undefined {
  if (!isOrder(group)) return undefined;
  const [task, key] = JSON.parse(group.slice(2)) as [string, string];
  return { task, key };
}

/** Whether the group is that of an ordering key, which a task keeps until it has ended. */
export function isOrder(group: string): boolean {
  return group.startsWith('o:');
}

/**
 * Whether who is let in runs before all that waits. A message that waited for a concurrency key had come to the head of its
 * queue before; the others were held when they were sent, and go to the end, or keys with much to do would starve the rest.
 */
export function runsFirst(group: string): boolean {
  return group.startsWith('c:');
}

export function orderingRequest(message: Message, key: string): AcquireRequest {
  const { queue, id, task, turn } = message;
  const group = orderGroup(task, key);
  return { group, queue, id, limit: 1, ...(turn?.replaces ? { replaces: turn.replaces } : {}) };
}

/** All fair tasks of a queue share its window. */
export function fairShareRequest({ queue, id }: Message, { key, cost, window }: Share): AcquireRequest {
  return { group: `f:${queue}`, queue, id, limit: window, flow: key, cost };
}

export function concurrencyRequest({ queue, id, task }: Message, key: string, limit: number): AcquireRequest {
  return { group: `c:${JSON.stringify([task, key])}`, queue, id, limit };
}

/** The line that a held message stands in. */
export function requestWhereBlocked(message: Message): AcquireRequest | undefined {
  const { queue, id, turn } = message;
  return turn?.at ? { ...turn.at, queue, id } : requestAtPublish(message);
}

/**
 * What a message enters when it is sent; the rest it enters when a worker has it. An ordering key counts from its sending
 * on; what is delayed stands in no queue yet, and so takes no share of one.
 */
export function requestAtPublish(message: Message): AcquireRequest | undefined {
  const { turn, eta } = message;
  if (turn === undefined) return undefined;
  if (turn.order !== undefined) return orderingRequest(message, turn.order);
  return turn.share && eta === undefined && !turn.served ? fairShareRequest(message, turn.share) : undefined;
}
