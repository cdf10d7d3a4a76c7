import { canvasTtl } from '../results/outcome-writer.ts';
import type { Resolved } from './resolve.ts';

/** How long a node may wait before it has ended, in milliseconds: for its moment, or for somebody. Its runs come on top. */
interface MaxWait {
  readonly least: number;
  readonly most: number;
}

const none: MaxWait = { least: 0, most: 0 };

/**
 * How long outcomes have to be kept that wait for `longest` more milliseconds until they are needed; undefined: their usual time
 * does, of which half is left for queues and runs.
 */
export function keepFor(longest: number, ttl: number): number | undefined {
  return longest > ttl / 2 ? longest + canvasTtl(ttl) : undefined;
}

/** The longer of two times for which something is kept. */
export function longerOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** How patient a node is; members of a stream are not known before they are sent. */
export function maxWaitOf(node: Resolved, now: number): MaxWait {
  switch (node.kind) {
    case 'task': {
      const { countdown = 0, eta = now } = node.times;
      if (node.gate) return { least: 0, most: node.gate.timeout };
      const wait = Math.max(countdown, eta - now);
      return wait > 0 ? { least: wait, most: wait } : none;
    }
    case 'sequence':
      return node.steps.map((step) => maxWaitOf(step, now)).reduce(add, none);
    case 'group':
      return Array.isArray(node.members) ? ofAll(node.members, now) : none;
    default:
      return node satisfies never;
  }
}

function ofAll(members: readonly Resolved[], now: number): MaxWait {
  let [least, most] = [0, 0];
  for (const member of members) {
    const maxWait = maxWaitOf(member, now);
    least = Math.max(least, maxWait.least);
    most = Math.max(most, maxWait.most);
  }
  return { least, most };
}

function add(one: MaxWait, other: MaxWait): MaxWait {
  return { least: one.least + other.least, most: one.most + other.most };
}
