import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '../../errors.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { TaskDefinition } from '../../task/task.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import type { AppModule } from './child-message.ts';
import { ChildPool, type ChildPoolOptions } from './child-pool.ts';
import type { Pool, PoolKind } from './pool.ts';

/** What the pools of one worker are made of. */
export interface PoolsOptions extends Omit<ChildPoolOptions, 'kind' | 'setup'> {
  /** Where tasks run that ask for no pool of their own. */
  readonly kind: PoolKind;
  readonly async: Pool;
  /** Where children find the app; without it there are no children. */
  readonly app: AppModule | undefined;
  readonly setup: Omit<ChildPoolOptions['setup'], 'app' | 'nonce' | 'pid'>;
}

/** The pools of one worker: each is started when a task first needs it. */
export class Pools {
  readonly #options: PoolsOptions;
  readonly #children = new Map<PoolKind, ChildPool>();
  #size: number;
  #closed = false;

  constructor(options: PoolsOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** Starts the worker's own pool, so that what cannot work is found before the first task. */
  async start(): Promise<void> {
    if (this.#options.kind !== 'async') await this.#child(this.#options.kind).warmUp();
  }

  /** Runs an attempt's handler in the task's pool, or the worker's. */
  run(attempt: Attempt): MaybePromise<AttemptResult> {
    const { resultBeforeStart } = attempt.context;
    if (resultBeforeStart !== undefined) return resultBeforeStart;
    const kind = this.#kindOf(attempt.definition);
    if (kind === 'async') return this.#options.async.run(attempt);
    return this.#closed ? { state: 'RELEASED' } : this.#child(kind).run(attempt);
  }

  /** Whether a task's handler runs in a thread or process. */
  inChild(definition: TaskDefinition): boolean {
    return this.#kindOf(definition) !== 'async';
  }

  /** Why tasks of a pool cannot run: no child of it starts. */
  get trouble(): string | undefined {
    for (const pool of this.#children.values()) if (pool.trouble !== undefined) return pool.trouble;
    return undefined;
  }

  setSize(size: number): void {
    this.#size = size;
    for (const pool of this.#children.values()) pool.setSize(size);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#children.values()].map((pool) => pool.close()));
  }

  #kindOf({ options }: TaskDefinition): PoolKind {
    return options.pool ?? this.#options.kind;
  }

  #child(kind: Exclude<PoolKind, 'async'>): ChildPool {
    const found = this.#children.get(kind);
    if (found) return found;
    const { app, program, setup } = this.#options;
    if (app === undefined && program === undefined) {
      throw new ConfigurationError(
        `pool "${kind}": its children must load the app themselves: start the worker with lovage worker -A, or give startWorker the option appModule`,
      );
    }
    const pool = new ChildPool({
      ...this.#options,
      kind,
      size: this.#size,
      setup: { ...setup, nonce: randomUUID(), pid: process.pid, ...(app ? { app } : {}) },
    });
    this.#children.set(kind, pool);
    return pool;
  }
}
