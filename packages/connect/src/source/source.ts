import { randomBytes } from 'node:crypto';
import { ClosedError, ConfigurationError } from '@lovage/core';
import { type ConnectorHost, type ConnectorTarget, type ParkedLetter, pauseAfter, sleep } from '@lovage/core/connector';
import { BackPressure } from './back-pressure.ts';
import { readableBytes, type SourceRecord } from './record.ts';
import { recordIds } from './record-id.ts';
import { readRecord } from './record-reader.ts';
import type { ReadSourceOptions } from './source-options.ts';
import type { Gap, OpenSource, PartitionLag, SeekTarget, SourceContext, SourceSystem } from './source-system.ts';

const pauses = { first: 100, longest: 5_000 };
/** How often a batch that waits looks whether it may go on, in milliseconds. */
const waitStep = 250;
/** Gaps that are kept for the status. */
const mostGaps = 20;

/** What a source is doing. */
export type SourceState = 'connecting' | 'running' | 'paused' | 'waiting' | 'stopped' | 'closed';

/** What a source has done since it started, in this process. */
export interface SourceCounts {
  /** Records whose tasks the broker has accepted. */
  readonly accepted: number;
  /** Records for which `map` gave no arguments. */
  readonly skipped: number;
  /** Records parked among the dead letters. */
  readonly poison: number;
}

/** A source as it stands. */
export interface SourceStatus extends SourceCounts {
  readonly state: SourceState;
  readonly lastError?: string;
  /** Records that were deleted before they were read. */
  readonly gaps: readonly Gap[];
}

/** Reads one system and sends a task for each record. */
export class Source {
  readonly name: string;
  readonly system: string;
  readonly target: ConnectorTarget;
  readonly #system: SourceSystem;
  readonly #host: ConnectorHost;
  readonly #options: ReadSourceOptions;
  readonly #pressure: BackPressure;
  readonly #ending = new AbortController();
  readonly #counts = { accepted: 0, skipped: 0, poison: 0 };
  #gaps: readonly Gap[] = [];
  #ids: ReturnType<typeof recordIds>;
  #state: SourceState = 'closed';
  #lastError: string | undefined;
  #paused = false;
  #open: OpenSource | undefined;
  #opening: Promise<void> | undefined;

  constructor(system: SourceSystem, target: ConnectorTarget, options: ReadSourceOptions, host: ConnectorHost) {
    this.name = options.name;
    this.system = system.system;
    this.target = target;
    this.#system = system;
    this.#host = host;
    this.#options = options;
    this.#ids = recordIds(options.name);
    this.#pressure = new BackPressure(options.maxDepth, () => host.depth(target.queue));
    if (options.key !== undefined && !target.ordered) {
      throw new ConfigurationError(
        `source "${this.name}": key: task "${target.task}" has no orderingKey, so its workers keep no order: ` +
          'declare one, as `orderingKey: () => undefined`, and the key of the source takes its place',
      );
    }
  }

  get status(): SourceStatus {
    const { accepted, skipped, poison } = this.#counts;
    const last = this.#lastError === undefined ? {} : { lastError: this.#lastError };
    return { state: this.#state, accepted, skipped, poison, gaps: this.#gaps, ...last };
  }

  /** Begins to read, and goes on trying while the system cannot be reached. Resolves when it reads, or was closed. */
  start(): Promise<void> {
    this.#opening ??= this.#connect();
    return this.#opening;
  }

  /** Takes no more records until {@link Source.resume}; those that were handed over are finished. */
  pause(): void {
    this.#paused = true;
    if (this.#state === 'running' || this.#state === 'waiting') this.#state = 'paused';
  }

  resume(): void {
    this.#paused = false;
    if (this.#state === 'paused') this.#state = 'running';
  }

  /** Records per partition that wait; rejects while the system cannot be reached. */
  async lag(): Promise<readonly PartitionLag[]> {
    return (await this.#open?.lag()) ?? [];
  }

  /**
   * Goes on reading elsewhere. A record whose task is still known is not run again, unless a `generation` other than that of its
   * first reading gives it another id. Throws {@link ConfigurationError} where the system cannot go back.
   */
  async seek(to: SeekTarget, generation = 0): Promise<void> {
    if (!this.#open?.seek) throw new ConfigurationError(`source "${this.name}": ${this.system} cannot seek`);
    this.useGeneration(generation);
    await this.#open.seek(to);
  }

  /** See {@link Source.seek}. */
  useGeneration(generation: number): void {
    this.#ids = recordIds(this.name, generation);
  }

  /** Stops reading; what the broker had not accepted is delivered again. */
  async close(): Promise<void> {
    this.#ending.abort(new ClosedError(`source "${this.name}"`));
    await this.#opening;
    await this.#open?.close();
    this.#open = undefined;
    this.#state = 'closed';
  }

  async #connect(): Promise<void> {
    const { clock, logger } = this.#host;
    const { signal } = this.#ending;
    this.#state = 'connecting';
    const context: SourceContext = {
      logger,
      clock,
      batch: this.#options.batch,
      accept: (records, keepAlive) => this.#accept(records, keepAlive),
      onError: (error) => this.#failed(error),
      onGap: (gap) => this.#missed(gap),
    };
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        this.#open = await this.#system.open(context);
        if (this.#state === 'connecting') this.#state = this.#paused ? 'paused' : 'running';
        return;
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        this.#failed(error);
        await sleep(clock, pauseAfter(pauses, failures), signal).catch(() => undefined);
      }
    }
  }

  async #accept(records: readonly SourceRecord[], keepAlive?: () => Promise<unknown>): Promise<void> {
    if (records.length === 0) return;
    await this.#untilOpen(keepAlive);
    const { calls, owners, letters } = await this.#read(records);
    if (letters.length > 0) await this.#insist(() => this.#park(letters), keepAlive);
    if (calls.length === 0) return;
    const refused = await this.#insist(() => this.target.send(calls), keepAlive);
    this.#pressure.sent(calls.length - refused.size);
    this.#counts.accepted += calls.length - refused.size;
    if (refused.size === 0) return;
    const poison = [...refused].map(([index, error]) => this.#letter(owners[index] as SourceRecord, error));
    await this.#insist(() => this.#park(poison), keepAlive);
  }

  async #read(records: readonly SourceRecord[]): Promise<Batch> {
    const batch: Batch = { calls: [], owners: [], letters: [] };
    for (const record of records) {
      const read = await readRecord(record, this.#options, this.#ids);
      if ('call' in read) {
        batch.calls.push(read.call);
        batch.owners.push(record);
      } else if ('error' in read) batch.letters.push(this.#letter(record, read.error));
      else this.#counts.skipped += 1;
    }
    return batch;
  }

  /** Waits while the source is paused or too much waits in the queue. */
  async #untilOpen(keepAlive: (() => Promise<unknown>) | undefined): Promise<void> {
    const { clock } = this.#host;
    const { signal } = this.#ending;
    for (;;) {
      signal.throwIfAborted();
      const free = !this.#paused && (await this.#insist(() => this.#pressure.open(), keepAlive));
      if (free && !this.#paused) {
        this.#state = 'running';
        return;
      }
      this.#state = this.#paused ? 'paused' : 'waiting';
      await sleep(clock, waitStep, signal);
      await keepAlive?.();
    }
  }

  /** Tries until the broker has answered: the ids make it safe to send again what may have been accepted. */
  async #insist<T>(work: () => Promise<T>, keepAlive: (() => Promise<unknown>) | undefined): Promise<T> {
    const { signal } = this.#ending;
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StoppedError) {
          this.#state = 'stopped';
          await this.#stand(keepAlive);
        }
        this.#failed(error);
        await sleep(this.#host.clock, pauseAfter(pauses, failures), signal);
        await keepAlive?.();
      }
    }
  }

  /** Until it is closed. */
  async #stand(keepAlive: (() => Promise<unknown>) | undefined): Promise<never> {
    const { signal } = this.#ending;
    for (;;) {
      await sleep(this.#host.clock, waitStep, signal);
      await keepAlive?.();
    }
  }

  async #park(letters: readonly ParkedLetter[]): Promise<void> {
    if (this.#options.poison === 'stop') {
      const why = letters[0]?.reason.message ?? '';
      this.#failed(new Error(`stopped at a record that cannot be read: ${why}`));
      throw new StoppedError(why);
    }
    await this.#host.park(this.target.queue, letters);
    this.#counts.poison += letters.length;
    for (const { id, reason } of letters) {
      this.#host.logger.warn(`source ${this.name}: a record was parked: ${reason.message}`, { taskId: id });
    }
  }

  /** The coordinates stand in the reason, to be read, and in the body, for programs. */
  #letter(record: SourceRecord, error: Error): ParkedLetter {
    const { partition, position, key, headers, timestamp, value } = record;
    const bytes = value === null ? { value: null } : readableBytes(value);
    const where = `${this.system} ${this.name}${partition === '' ? '' : `, partition ${partition}`}, record ${position}`;
    return {
      id: this.#ids(partition, position),
      task: this.target.task,
      at: this.#host.clock.now(),
      reason: { name: error.name, message: `${where}: ${error.message}` },
      body: JSON.stringify({
        source: this.name,
        system: this.system,
        partition,
        position,
        key,
        timestamp,
        recordHeaders: headers,
        ...bytes,
      }),
    };
  }

  #failed(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (this.#lastError !== error.message) this.#host.logger.warn(`source ${this.name}: ${error.message}`);
    this.#lastError = error.message;
  }

  #missed(gap: Gap): void {
    this.#gaps = [...this.#gaps, gap].slice(-mostGaps);
    const { partition, from, to } = gap;
    this.#failed(
      new Error(
        `offset out of range: partition ${partition} was to be read from ${from}, and now begins at ${to}: ` +
          'the records between were deleted before they were read',
      ),
    );
  }
}

interface Batch {
  readonly calls: { id: string; args: readonly unknown[]; order?: string }[];
  /** The record of each call. */
  readonly owners: SourceRecord[];
  readonly letters: ParkedLetter[];
}

/** A record that cannot be read, where the source is to stop at it. */
class StoppedError extends Error {}

/** Names this process among the instances of a connector. */
export function newInstanceName(): string {
  return `${process.pid}-${randomBytes(3).toString('hex')}`;
}
