import type { AppRuntime } from '../../app/app-runtime.ts';
import { type Timer, withDeadline } from '../../clock.ts';
import type { SharedRegistry } from '../../driver/shared-registry.ts';
import { NotSupportedError } from '../../errors.ts';
import { newTaskId } from '../../message/task-id.ts';
import { goneMembers, memberTtl, namespaceOf } from '../../messaging/broadcast-members.ts';
import { OutcomeWriter } from '../../results/outcome-writer.ts';
import type { OpenStores } from '../../stores/stores.ts';

/** How often a member says that it lives: three times within the time that it is believed. */
const interval = memberTtl / 3;
/** What ended workers left behind is looked for with every sixth word. */
const sweepEvery = 6;
/** What telling the store of the end may take, in milliseconds. */
const maxWait = 1_000;

/**
 * A worker's part in broadcast queues: for each it consumes a queue of its own, tells the directory of it while it lives,
 * and deletes it when it ends. A worker that is away for less than half a minute misses nothing; what was sent to one that
 * died is revoked by the others.
 */
export class BroadcastMembership {
  readonly #runtime: AppRuntime;
  readonly #stores: OpenStores;
  readonly #worker: string;
  readonly #own = new Map<string, string>();
  /** Own queues that it consumes no more; tasks of theirs may still run. */
  readonly #left = new Set<string>();
  #timer: Timer | undefined;
  #heartbeats = 0;
  #closed = false;

  constructor(runtime: AppRuntime, stores: OpenStores, worker: string) {
    this.#runtime = runtime;
    this.#stores = stores;
    this.#worker = worker;
  }

  /** The queue to consume in the place of this one. Throws {@link NotSupportedError} for a broadcast queue without directory. */
  async join(queue: string): Promise<string> {
    if (!this.#runtime.settings.broadcastQueues.has(queue)) return queue;
    const known = this.#own.get(queue);
    if (known !== undefined) return known;
    const own = `${queue}@${this.#worker.replaceAll(/[^\w.@-]/g, '_').slice(0, 80)}.${newTaskId().slice(-8)}`;
    this.#own.set(queue, own);
    await this.#tell(queue, own);
    this.#timer ??= this.#scheduleHeartbeat();
    return own;
  }

  /** Ends this worker's part in a queue, whose consumption `stop` ends. What still waits in its own queue ends REVOKED. */
  async leave(queue: string, stop: (queue: string) => Promise<void>): Promise<void> {
    const own = this.#own.get(queue);
    if (own === undefined) return stop(queue);
    this.#own.delete(queue);
    this.#left.add(own);
    await this.#sharedRegistry.remove(namespaceOf(queue), [own]);
    await stop(own);
    await this.#purge(own);
  }

  /** Nothing more is sent to this worker. Never rejects: what the store does not hear, it finds out by time. */
  async retire(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#withTimeout(
      [...this.#own].map(([queue, own]) => this.#sharedRegistry.remove(namespaceOf(queue), [own])),
    );
  }

  /** Deletes the worker's own queues, once they are consumed no more. Never rejects. */
  async close(): Promise<void> {
    await this.#withTimeout([...this.#own.values(), ...this.#left].map((own) => this.#drop(own)));
    this.#own.clear();
  }

  /** A store that does not answer holds up no shutdown: the other workers find what is left. */
  async #withTimeout(work: readonly Promise<unknown>[]): Promise<void> {
    const { clock } = this.#runtime;
    await withDeadline(clock, maxWait, Promise.all(work), () => new Error('late')).catch(() => {});
  }

  /** What the store does not take now, it is told ten seconds later: no worker is kept from its tasks. */
  async #tell(queue: string, own: string): Promise<void> {
    const { logger } = this.#runtime;
    await this.#sharedRegistry
      .put(namespaceOf(queue), own, this.#worker, memberTtl)
      .catch((error: unknown) => logger.warn('could not register for broadcasts, retrying', { queue, error }));
  }

  get #sharedRegistry(): SharedRegistry {
    const { sharedRegistry } = this.#stores;
    if (sharedRegistry) return sharedRegistry;
    throw new NotSupportedError(`${this.#runtime.stores.display} keeps no directory: broadcast queues need one`);
  }

  #scheduleHeartbeat(): Timer {
    return this.#runtime.clock.after(interval, () => void this.#sendHeartbeat(), { background: true });
  }

  async #sendHeartbeat(): Promise<void> {
    try {
      for (const [queue, own] of this.#own) {
        if (this.#closed) return; // it has said goodbye meanwhile
        await this.#sharedRegistry.put(namespaceOf(queue), own, this.#worker, memberTtl);
      }
      this.#heartbeats += 1;
      if (this.#heartbeats % sweepEvery === 1) await this.#sweep();
    } catch (error) {
      this.#runtime.logger.debug('could not renew the broadcast registration, retrying', { error });
    }
    if (!this.#closed) this.#timer = this.#scheduleHeartbeat();
  }

  async #sweep(): Promise<void> {
    for (const queue of this.#own.keys()) {
      for (const gone of await goneMembers(this.#sharedRegistry, queue)) {
        await this.#drop(gone);
        await this.#sharedRegistry.remove(namespaceOf(queue), [gone]);
      }
    }
  }

  /** What waited there ends REVOKED, so that nobody waits for the answer of a worker that is gone. */
  async #drop(queue: string): Promise<void> {
    await this.#purge(queue);
    await this.#stores.monitor?.drop?.(queue);
  }

  async #purge(queue: string): Promise<void> {
    const { monitor, results } = this.#stores;
    const { clock, settings } = this.#runtime;
    const ids = (await monitor?.purge(queue)) ?? [];
    if (results === undefined) return;
    const outcomes = new OutcomeWriter({ results, now: () => clock.now(), resultExpires: settings.resultExpires });
    const tasks = ids.map((id) => ({ id }));
    await outcomes.revoke(tasks, 'worker ended');
  }
}
