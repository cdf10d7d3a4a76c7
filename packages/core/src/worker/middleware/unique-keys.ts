import type { Clock } from '../../clock.ts';
import type { Monitor } from '../../driver/monitor.ts';
import type { HeldUniqueKey, UniqueKeyStore } from '../../driver/unique-key-store.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { Middleware } from './middleware.ts';

/** What the middleware of claims needs. */
export interface UniqueKeyMiddlewareOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly uniqueKeys: UniqueKeyStore;
  readonly monitor: Monitor;
}

/** Longer than a task may run between two deliveries; see longestKeyTtl of the producer. */
const uniqueKeyTtl = 7 * 86_400_000;
/** How long a task waits for the one that runs under its key: a quarter of what that one has run, within bounds. */
const turnPause = { shortest: 100, longest: 5_000 };
const storePause = 1_000;

/**
 * Keys that are held while a task runs (`unique` with scope `running`). Outermost: a task that has ended, however, lets go.
 * It makes sure that it has its key before each attempt, so that also a redelivered or replayed task never runs beside
 * another of its key.
 */
export function createRunningUniqueKeys(options: UniqueKeyMiddlewareOptions): Middleware {
  return {
    name: 'running-unique-keys',
    applies: ({ message }) => message.claim !== undefined,
    async run(attempt, next) {
      const { message } = attempt;
      const result = (await waitForKey(attempt, options)) ?? (await next());
      if (!unfinished.has(result.state)) await freeAll(message, options);
      return result;
    },
  };
}

/** What becomes of a task that cannot run now; undefined: it has its key. */
async function waitForKey(attempt: Attempt, options: UniqueKeyMiddlewareOptions): Promise<AttemptResult | undefined> {
  const { message } = attempt;
  const running = message.claim?.running;
  if (running === undefined) return undefined;
  if (await isReplaced(options.uniqueKeys, attempt)) return replaced; // before it waits: its waiters are told
  const wait = await hold(running, message, options).catch(() => storePause); // without an answer it must not run
  return wait > 0 ? { state: 'POSTPONED', message, at: options.clock.now() + wait } : undefined;
}

/** Keys that are held until a task starts (scope `queued`): the last step before the handler. */
export function createQueuedUniqueKeys({ uniqueKeys, logger }: UniqueKeyMiddlewareOptions): Middleware {
  return {
    name: 'queued-unique-keys',
    applies: ({ message }) => message.claim?.queued !== undefined,
    async run(attempt, next) {
      if (await isReplaced(uniqueKeys, attempt)) return replaced;
      await free(uniqueKeys, attempt.message.claim?.queued as string, attempt.message, logger);
      return next();
    },
  };
}

/** Whether another task has its place before it began. One that was not published may never come: then this one runs. */
async function isReplaced(uniqueKeys: UniqueKeyStore, { message, context }: Attempt): Promise<boolean> {
  const { queued, replaceable } = message.claim ?? {};
  if (queued === undefined || !replaceable || context.attempt > 1) return false;
  const { id, queue } = message;
  const holder = await uniqueKeys.acquire(queued, { id, queue, ttl: uniqueKeyTtl }).catch(() => undefined); // not known: it runs
  return holder?.published === true;
}

const replaced: AttemptResult = { state: 'REVOKED', reason: 'replaced' };

/** Milliseconds until it should be tried again; 0: the task has the key. */
async function hold(
  name: string,
  { id, queue }: Message,
  { uniqueKeys, monitor }: UniqueKeyMiddlewareOptions,
): Promise<number> {
  const request = { id, queue, ttl: uniqueKeyTtl, published: true };
  let holder = await uniqueKeys.acquire(name, request);
  while (holder !== undefined) {
    if (await isThere(holder, monitor)) return pauseFor(holder);
    const taken: HeldUniqueKey | undefined = await uniqueKeys.acquire(name, { ...request, replaceHolder: holder.id });
    if (taken?.id === holder.id) break; // it was the lost one's
    holder = taken;
  }
  return 0;
}

/** A holder that the broker does not know has ended, or was lost with its worker's last words. */
async function isThere({ id, queue, published, age }: HeldUniqueKey, monitor: Monitor): Promise<boolean> {
  const [place] = await monitor.locate([id], [queue]);
  return place !== undefined || (!published && age < turnPause.longest);
}

function pauseFor({ age }: HeldUniqueKey): number {
  return Math.min(turnPause.longest, Math.max(turnPause.shortest, age / 4));
}

async function freeAll(message: Message, { uniqueKeys, logger }: UniqueKeyMiddlewareOptions): Promise<void> {
  const { running, queued } = message.claim ?? {};
  for (const name of [running, queued]) if (name !== undefined) await free(uniqueKeys, name, message, logger);
}

/** A key that cannot be freed now is free for whoever asks the broker about its holder. */
async function free(uniqueKeys: UniqueKeyStore, name: string, { id }: Message, logger: Logger): Promise<void> {
  await uniqueKeys.release(name, id).catch((error: unknown) => {
    logger.warn('could not free the key of a unique task; the next call finds out', { taskId: id, error });
  });
}

/** Results after which the task comes again. */
const unfinished: ReadonlySet<AttemptResult['state']> = new Set([
  'RETRY',
  'POSTPONED',
  'BLOCKED',
  'REQUEUED',
  'CRASHED',
  'RELEASED',
] as const);
