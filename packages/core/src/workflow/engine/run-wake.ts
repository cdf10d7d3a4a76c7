import { type Clock, sleep } from '../../clock.ts';
import type { Broker } from '../../driver/broker.ts';
import type { Bus } from '../../driver/bus.ts';
import type { Monitor } from '../../driver/monitor.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { Delivered, NewInboxItem, NewRun, WorkflowStore } from '../../driver/workflow-store.ts';
import { NoResultBackendError, NotSupportedError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { Backoff } from '../../retry.ts';

/** The stores that workflows need. */
export interface WorkflowStores {
  readonly store: WorkflowStore;
  readonly broker: Broker;
  readonly results: ResultBackend;
  readonly bus: Bus | undefined;
  readonly monitor: Monitor | undefined;
}

/** What reaching a run needs. */
export interface RunReachOptions {
  readonly open: () => Promise<WorkflowStores>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The topic on which a worker hears of items for runs that it holds. */
export function hostTopic(host: string): string {
  return `workflow.${host}`;
}

/** How long a run that parks at this moment is waited for, in milliseconds: its worker is about to put its message back. */
const longestChase = 10_000;
const pause = { first: 2, longest: 250 };

/** Puts items into inboxes, and lets their runs see them: held by a worker, or parked in the broker. */
export class RunReach {
  readonly #options: RunReachOptions;

  constructor(options: RunReachOptions) {
    this.#options = options;
  }

  /** Resolves when the item is stored and its run, where it is parked, is about to be taken. */
  async deliver(id: string, item: NewInboxItem, create?: NewRun): Promise<Delivered> {
    const stores = await this.#options.open();
    const delivered = await stores.store.deliver(id, item, create);
    const { status, header } = delivered;
    if (header === undefined || (status !== 'delivered' && status !== 'duplicate')) return delivered;
    if (header.state === 'RUNNING') await this.#notify(stores, id, header.host);
    if (header.state === 'PARKED') await this.wake(id, header.queue);
    return delivered;
  }

  /** Makes the message of a parked run ready; waits for one that is being parked. False when there is none to be made ready. */
  async wake(id: string, queue: string): Promise<boolean> {
    const { store, broker } = await this.#options.open();
    if (broker.unblock === undefined)
      throw new NotSupportedError('this broker cannot wake workflow runs before their time');
    const { clock, logger } = this.#options;
    const endsAt = clock.monotonic() + longestChase;
    const backoff = new Backoff(pause);
    for (;;) {
      const [woken] = await broker.unblock([{ queue, id, timed: true }]);
      if (woken || (await this.#isReady(id, queue))) return true;
      const state = (await store.read(id))?.header.state;
      if (state !== 'PARKED' && state !== 'DIVERGED') return false;
      if (clock.monotonic() >= endsAt) break;
      await sleep(clock, backoff.next());
    }
    logger.warn('a parked run has no message that waits: it is taken by a worker, or its message was removed', {
      taskId: id,
      queue,
    });
    return false;
  }

  /** Somebody else has woken it, and no worker has taken it so far. */
  async #isReady(id: string, queue: string): Promise<boolean> {
    const { monitor } = await this.#options.open();
    const [place] = (await monitor?.locate([id], [queue])) ?? [];
    return place === 'waiting';
  }

  async #notify({ bus }: WorkflowStores, id: string, host: string | undefined): Promise<void> {
    if (bus === undefined || host === undefined) return;
    await bus.publish(hostTopic(host), id).catch((error: unknown) => {
      this.#options.logger.warn('could not notify a run: it looks by itself', { taskId: id, error }); // every few seconds
    });
  }
}

/** The stores of an app, as workflows need them. Throws {@link NotSupportedError}, {@link NoResultBackendError}. */
export function workflowStores(
  stores: { readonly [K in keyof WorkflowStores]: WorkflowStores[K] | undefined } & Pick<WorkflowStores, 'broker'>,
  display: string,
): WorkflowStores {
  const { store, results, broker, bus, monitor } = stores;
  if (store === undefined)
    throw new NotSupportedError(`${display} keeps no workflows: use redis://, redis+streams:// or memory://`);
  if (results === undefined) throw new NoResultBackendError('of a workflow run');
  return { store, results, broker, bus, monitor };
}
