import type { TransportOptions } from './redis-url.ts';

/** Every key and channel of kombu's and Celery's, and ours. */
export interface Keys {
  readonly steps: readonly number[];
  /** The list of a queue for messages of this priority of the wire. */
  list(queue: string, priority?: number): string;
  /** The lists of a queue, the most urgent first. */
  lists(queue: string): readonly string[];
  binding(exchange: string): string;
  /** kombu 5.7 keeps a table of bindings as long as one of them is in here. */
  permanent(exchange: string): string;
  /** The member of a binding for a queue. */
  bound(queue: string, routingKey?: string): string;
  /** The queue that a member of a binding names. */
  queueOfBound(member: string): string | undefined;
  readonly unacked: string;
  readonly unackedIndex: string;
  readonly unackedMutex: string;
  meta(id: string): string;
  idOfMeta(key: string): string;
  groupMeta(id: string): string;
  broadcastMembership(exchange: string, routingKey?: string): string;
  dead(queue: string): string;
  own(...parts: readonly string[]): string;
}

const metaPrefix = 'celery-task-meta-';

export function createKeys(
  { sep, prioritySteps, keyPrefix = '' }: TransportOptions,
  prefix: string | undefined,
  db: number,
): Keys {
  const before = prefix ?? keyPrefix;
  // Celery joins its results' prefix by an underscore where it does not end in a separator
  const resultBefore = before === '' || /[:_\-.]$/.test(before) ? before : `${before}_`;
  const stepOf = (priority: number): number => prioritySteps.findLast((step) => step <= priority) ?? 0;
  const list = (queue: string, priority = 0): string => {
    const step = stepOf(Math.min(9, Math.max(0, priority)));
    return `${before}${step === 0 ? queue : `${queue}${sep}${step}`}`;
  };
  return {
    steps: prioritySteps,
    list,
    lists: (queue) => prioritySteps.map((step) => list(queue, step)),
    binding: (exchange) => `${before}_kombu.binding.${exchange}`,
    permanent: (exchange) => `${before}_kombu.binding_permanent.${exchange}`,
    bound: (queue, routingKey = queue) => [routingKey, '', queue].join(sep),
    queueOfBound: (member) => member.split(sep)[2],
    unacked: `${before}unacked`,
    unackedIndex: `${before}unacked_index`,
    unackedMutex: `${before}unacked_mutex`,
    meta: (id) => `${resultBefore}${metaPrefix}${id}`,
    idOfMeta: (key) => key.slice(resultBefore.length + metaPrefix.length),
    groupMeta: (id) => `${resultBefore}celery-taskset-meta-${id}`,
    broadcastMembership: (exchange, routingKey) =>
      `${before}/${db}.${exchange}${routingKey === undefined ? '' : `/${routingKey}`}`,
    dead: (queue) => `${before}lovage:celery:dead:${queue}`,
    own: (...parts) => `${before}lovage:celery:${parts.join(':')}`,
  };
}
