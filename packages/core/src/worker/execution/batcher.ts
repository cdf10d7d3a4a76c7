import type { Timer } from '../../clock.ts';
import { decodeArgs, encodeResult, type SizeLimit } from '../../message/payload-codec.ts';
import type { MaybePromise } from '../../options/schema.ts';
import type { PluginList } from '../../plugins/plugin-list.ts';
import { runBatchThroughPlugins, taskInfo } from '../../plugins/run-through-plugins.ts';
import { type Batch, type BatchEnd, runBatch } from '../../task/batch.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { limitTime } from '../middleware/time-limits.ts';
import type { SlotGate } from '../pool/slot-gate.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';
import { type ClassifyTools, classifyError } from './classify-error.ts';

/** What a batcher needs. */
export interface BatcherOptions extends ClassifyTools {
  readonly maxResult: SizeLimit;
  readonly gate: SlotGate;
  readonly loop: Pick<LoopWatch, 'beginLimit' | 'endLimit'>;
  readonly plugins: PluginList;
  /** Where attempts of other tasks run. */
  readonly pools: { run(attempt: Attempt): MaybePromise<AttemptResult> };
}

/** An attempt that waits for its batch, and for its result. */
interface Item {
  readonly attempt: Attempt;
  readonly done: Promise<AttemptResult>;
  /** The first result stands. */
  readonly settle: (result: AttemptResult) => void;
  over: boolean;
}

/** A batch that still takes items. */
interface Open {
  readonly items: Item[];
  readonly timer: Timer;
}

/**
 * Collects the attempts of batch tasks, in the place of a pool: each waits here for others, then the handler runs once for
 * all, and each gets its own result. So everything around an attempt (leases, expiry, retries, claims) is every item's own.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #open = new Map<Batch, Open>();
  #waits = true;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  run(attempt: Attempt): Promise<AttemptResult> {
    const { batch } = attempt.definition;
    if (batch === undefined || attempt.message.canvas?.each) return this.#runAlone(attempt);
    const item = createItem(attempt);
    this.#add(batch, item);
    return item.done;
  }

  /** From now on nothing waits for others: the worker ends. */
  flush(): void {
    this.#waits = false;
    for (const batch of [...this.#open.keys()]) this.#start(batch);
  }

  #add(batch: Batch, item: Item): void {
    const { clock, gate } = this.#options;
    item.attempt.context.onInterrupt(item.settle);
    gate.addExtra(1);
    const open = this.#open.get(batch) ?? {
      items: [],
      timer: clock.after(batch.wait, () => this.#start(batch), { background: true, maintenance: false }),
    };
    this.#open.set(batch, open);
    open.items.push(item);
    if (open.items.length >= batch.size || !this.#waits) this.#start(batch);
  }

  /** Runs what was collected, as soon as there is a slot for it. */
  #start(batch: Batch): void {
    const open = this.#open.get(batch);
    if (open === undefined) return;
    this.#open.delete(batch);
    open.timer.cancel();
    this.#options.gate.enter(() => void this.#runAll(batch, open.items)); // never rejects
  }

  async #runAll(batch: Batch, items: readonly Item[]): Promise<void> {
    const { gate } = this.#options;
    gate.addExtra(-1); // the batch has a slot now
    const live = items.filter(({ over }) => !over);
    const decoded = await Promise.all(live.map(async (item) => ({ item, args: await this.#argsOf(item) })));
    const entries = decoded.flatMap(({ item, args }) => (args ? [{ item, args }] : []));
    for (const { item } of entries) this.#share(item.attempt, entries.length);
    if (entries.length > 0) await this.#runHandler(batch, entries);
    gate.addExtra(1 - items.length);
    gate.leave();
  }

  /** The slot's time begins now, and is that of all. */
  #share(attempt: Attempt, items: number): void {
    attempt.begun = this.#options.clock.monotonic();
    attempt.sharedBy = items;
    attempt.onBegin?.();
  }

  /** Resolves when every item has its result, whatever the handler still does for one that was broken off. */
  async #runHandler(batch: Batch, entries: readonly { item: Item; args: readonly unknown[] }[]): Promise<void> {
    const given = entries.map(({ item, args }) => ({ args, self: item.attempt.context }));
    const running = Promise.resolve().then(() => this.#run(batch, entries, given)); // once the limits below have begun
    await Promise.all(
      entries.map(({ item: { attempt, done, settle } }, index) => {
        const ended = running.then((ends) => this.#resultOf(attempt, ends[index] as BatchEnd)); // never rejects
        void limitTime(this.#options, attempt, () => Promise.race([ended, done])).then(settle);
        return done;
      }),
    );
  }

  #run(
    batch: Batch,
    entries: readonly { readonly item: Item }[],
    given: Parameters<typeof runBatch>[1],
  ): Promise<readonly BatchEnd[]> {
    const { plugins } = this.#options;
    if (plugins.batchWrappers.length === 0) return runBatch(batch, given);
    const runs = entries.map(({ item: { attempt } }) => taskInfo(attempt.context, attempt.definition.options.plugin));
    return runBatchThroughPlugins(plugins, runs, () => runBatch(batch, given));
  }

  async #argsOf(item: Item): Promise<readonly unknown[] | undefined> {
    const { definition, message } = item.attempt;
    try {
      const args = decodeArgs(definition.payload, message.args, message.id);
      if (!(args instanceof Promise)) return args;
      void limitTime(this.#options, item.attempt, () => item.done).then(item.settle);
      return await Promise.race([args, item.done.then(() => undefined)]); // a schema that never answers holds up its item alone
    } catch (error) {
      item.settle(await classifyError(item.attempt, error, this.#options));
      return undefined;
    }
  }

  async #resultOf(attempt: Attempt, end: BatchEnd): Promise<AttemptResult> {
    try {
      if ('thrown' in end) return await classifyError(attempt, end.thrown, this.#options);
      const value = await encodeResult(attempt.definition.payload, end.value, this.#options.maxResult);
      return { state: 'SUCCESS', ...(value === undefined ? {} : { value }) };
    } catch (error) {
      return classifyError(attempt, error, this.#options); // a value that cannot be stored
    }
  }

  #runAlone(attempt: Attempt): Promise<AttemptResult> {
    const { gate, pools } = this.#options;
    return new Promise((resolve, reject) => {
      gate.enter(async () => {
        try {
          resolve(await pools.run(attempt));
        } catch (error) {
          reject(error); // a pool cannot be had
        } finally {
          gate.leave();
        }
      });
    });
  }
}

function createItem(attempt: Attempt): Item {
  let resolve: (result: AttemptResult) => void = () => {};
  const done = new Promise<AttemptResult>((settle) => {
    resolve = settle;
  });
  const item: Item = {
    attempt,
    done,
    settle: (result) => {
      item.over = true;
      resolve(result);
    },
    over: false,
  };
  return item;
}
