import type { Clock } from '../../clock.ts';
import type { AcquireRequest } from '../../driver/semaphore.ts';
import { NotSupportedError } from '../../errors.ts';
import { concurrencyRequest, fairShareRequest, orderingRequest } from '../../flow/acquire-request.ts';
import type { ConcurrencyLimiter } from '../../flow/concurrency-limiter.ts';
import { concurrencyKeyOf, flowControlOf } from '../../flow/flow-control-of.ts';
import type { FlowControl } from '../../message/flow-control.ts';
import type { Message } from '../../message/message.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware, Next } from './middleware.ts';
import type { StoreBackoff } from './store-backoff.ts';

/** How an attempt stands with its gates. */
interface Passage {
  readonly attempt: Attempt;
  readonly turn: FlowControl | undefined;
  readonly order: AcquireRequest | undefined;
  /** The gate at which it has to wait. */
  waitsAt?: AcquireRequest;
  /** Why the store could not be asked. */
  refusal?: unknown;
  failed?: boolean;
}

/** What the middleware needs beside the limiter. */
export interface ConcurrencyLimitOptions {
  readonly clock: Clock;
  readonly backoff: StoreBackoff;
}

/**
 * Ordering key, fair share, concurrency key, in this order: an attempt begins when it is in at each. Where it is not, the
 * message is held in the broker and its slot is free. The outermost step, since whatever ends a task opens its ordering
 * key; a task keeps that until it has ended, its share until it begins, and its concurrency place while it runs.
 */
export function createConcurrencyLimit(
  concurrencyLimiter: ConcurrencyLimiter,
  { clock, backoff }: ConcurrencyLimitOptions,
): Middleware {
  return {
    name: 'concurrency',
    applies: ({ definition, message }) =>
      (definition.options.acquired || message.turn !== undefined) && message.canvas?.each !== true,
    async run(attempt, next) {
      const passage = begin(attempt);
      attempt.delivery.onSettled((over) => void settled(concurrencyLimiter, passage, over));
      passage.failed = true; // when it throws
      const passed = await pass(concurrencyLimiter, passage, () => onTime(attempt, clock, next));
      const result = passage.refusal === undefined ? passed : backoff.failed(attempt.message, passage.refusal);
      passage.failed = hasFailed(result);
      if (isToHalt(passage)) await concurrencyLimiter.halt(passage.order); // a worker that dies after its settlement has no word left
      return result;
    },
  };
}

function begin(attempt: Attempt): Passage {
  const { message, definition } = attempt;
  const turn = message.turn ?? flowControlOf(definition, message.args);
  const order = turn?.order === undefined ? undefined : orderingRequest(message, turn.order);
  return { attempt, turn, order };
}

async function pass(concurrencyLimiter: ConcurrencyLimiter, passage: Passage, next: Next): Promise<AttemptResult> {
  const { attempt, turn, order } = passage;
  const { message } = attempt;
  if (order && !(await isIn(concurrencyLimiter, passage, order))) return held(passage, turn);
  if (turn?.share && !turn.served) {
    const share = fairShareRequest(message, turn.share);
    const served = attempt.delivery.deliveryCount > 1; // its worker was lost after it had begun
    if (!served && !(await isIn(concurrencyLimiter, passage, share))) return held(passage, turn);
    void concurrencyLimiter.release(share);
  }
  const place = placeWhileRunning(attempt);
  if (place === undefined) return servedOrNot(await next(), turn);
  if (!(await isIn(concurrencyLimiter, passage, place))) return held(passage, turn && { ...turn, served: true });
  try {
    return servedOrNot(await next(), turn);
  } finally {
    void concurrencyLimiter.release(place);
  }
}

function placeWhileRunning({ definition, message }: Attempt): AcquireRequest | undefined {
  const { concurrency } = definition.options;
  const key = concurrency && concurrencyKeyOf(definition, message.args);
  return concurrency === undefined || key === undefined
    ? undefined
    : concurrencyRequest(message, key, concurrency.limit);
}

/** Whether it may go on. */
async function isIn(concurrencyLimiter: ConcurrencyLimiter, passage: Passage, entry: AcquireRequest): Promise<boolean> {
  const { grant } = passage.attempt.delivery;
  if (grant?.group === entry.group) {
    passage.attempt.context.fence = grant.fence;
    return true;
  }
  const fence = await concurrencyLimiter.acquire(entry).catch((error: unknown) => {
    if (error instanceof NotSupportedError) throw error;
    passage.refusal = error ?? new Error('unknown');
    return undefined;
  });
  if (fence === undefined) return false;
  if (fence > 0) passage.attempt.context.fence = fence;
  else passage.waitsAt = entry;
  return fence > 0;
}

/**
 * Revoked while it waits, it must not run: the next worker asks first. While the store cannot be asked who is in, the message
 * goes back unspent.
 */
function held({ attempt, waitsAt }: Passage, turn: FlowControl | undefined): AttemptResult {
  if (waitsAt === undefined) return { state: 'RELEASED' };
  const { queue: _queue, id: _id, replaces: _replaces, ...at } = waitsAt;
  const message: Message = { ...attempt.message, turn: { ...turn, at }, mayRepeat: true };
  return { state: 'BLOCKED', message };
}

/** A message that was let in before its time waits for it in the broker, its ordering key closed behind it. */
function onTime({ message }: Attempt, clock: Clock, next: Next): Promise<AttemptResult> {
  if (message.held && message.eta !== undefined && message.eta > clock.now()) {
    return Promise.resolve({ state: 'POSTPONED', message, at: message.eta });
  }
  return next();
}

/** A retry takes its turn anew; what was let in and has to wait for a rate limit has had it. */
function servedOrNot(result: AttemptResult, turn: FlowControl | undefined): AttemptResult {
  if (turn?.share === undefined || (result.state !== 'RETRY' && result.state !== 'POSTPONED')) return result;
  return { ...result, message: { ...result.message, turn: { ...turn, served: result.state === 'POSTPONED' } } };
}

/** Whether its key is to be closed behind it. */
function isToHalt(passage: Passage): passage is Passage & { readonly order: AcquireRequest } {
  const { order, failed, attempt } = passage;
  return order !== undefined && failed === true && attempt.definition.options.orderingPolicy === 'halt';
}

function hasFailed(result: AttemptResult): boolean {
  if (result.state === 'ALREADY_FINISHED') return result.outcome.state === 'FAILURE';
  return result.state === 'FAILURE' || result.state === 'REJECTED' || result.state === 'CRASH_BUDGET_EXCEEDED';
}

async function settled(concurrencyLimiter: ConcurrencyLimiter, passage: Passage, over: boolean): Promise<void> {
  const { order, waitsAt } = passage;
  if (waitsAt) await concurrencyLimiter.confirmRequest(waitsAt);
  else if (over && isToHalt(passage)) await concurrencyLimiter.halt(passage.order);
  else if (order && over) await concurrencyLimiter.release(order);
}
