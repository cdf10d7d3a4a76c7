import type { HistoryStore, Monitor, Retention, WorkflowStore } from '@lovage/core/driver';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import { isConnectionError } from '../store-errors.ts';
import type { StoreLink } from '../store-link.ts';
import { sweepCluster } from './cluster-sweep.ts';
import { type EndedKind, endedKinds } from './ended-log.ts';

/** Batches of outcomes deleted by one script: 5,000 deletions hold Redis for about 5 ms. */
const batchesAtOnce = 10;
/** Between two sweeps of a fleet at least, in milliseconds. */
const shortestInterval = 14_000;
/** Between two thorough ones of a process: what grows slowly, or only gets old. */
const thoroughInterval = 60_000;
/** Nodes of a stream that its size is told from. */
const sampledNodes = 20;

/** What a sweeper needs. */
export interface SweeperParts {
  readonly link: StoreLink;
  readonly keys: Keys;
  readonly monitor: Monitor;
  readonly retention: Retention;
  readonly history: Pick<HistoryStore, 'sweep'>;
  readonly workflows: Pick<WorkflowStore, 'sweep'>;
  /** What a broker keeps of failed tasks beside their outcomes, and lets go here. */
  readonly sweepFailed: ((queue: string) => Promise<void>) | undefined;
}

/** Deletes what is over and too old or too much. */
export class RedisSweeper {
  readonly #parts: SweeperParts;
  #thoroughAt = 0;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** Of the workers that come within some seconds, the first does it. */
  async sweep(): Promise<void> {
    const { link, keys, retention, monitor } = this.#parts;
    const interval = Math.max(1, Math.min(shortestInterval, Math.floor(retention.grace / 3))); // nothing ages sooner
    if ((await link.run((client) => scriptsOf(client).takeTurn([keys.sweeping], [interval]))) === 0) return;
    const now = performance.now();
    const thorough = now >= this.#thoroughAt;
    if (thorough) this.#thoroughAt = now + Math.min(thoroughInterval, 4 * retention.grace);
    await this.#sweepOutcomes(thorough);
    if (thorough) await this.#parts.history.sweep();
    if (thorough) await this.#parts.workflows.sweep();
    let refused: unknown;
    for (const queue of thorough ? await monitor.queues() : []) {
      await this.#sweepQueue(queue).catch((error: unknown) => {
        if (isConnectionError(error)) throw error;
        refused ??= error; // a broken queue does not keep the others from being swept
      });
    }
    if (refused !== undefined) throw refused;
  }

  async #sweepQueue(queue: string): Promise<void> {
    await this.#sweepDeadLetters(queue);
    await this.#parts.sweepFailed?.(queue);
  }

  /**
   * Those that are kept for minutes go first, failures last: whoever looks for one of them looks late. An idle fleet asks for
   * the totals only; a thorough sweep also lets go of what went by itself, so that it is not counted.
   */
  async #sweepOutcomes(thorough: boolean): Promise<void> {
    const { link, keys, retention } = this.#parts;
    const totals = await link.run((client) => client.hgetall(keys.endedTotals));
    const bytes = Object.fromEntries(endedKinds.map((kind) => [kind, Number(totals[`${kind}:bytes`] ?? 0)]));
    for (const kind of endedKinds) {
      const others = endedKinds.reduce((sum, other) => (other === kind ? sum : sum + (bytes[other] as number)), 0);
      const room = Math.max(0, retention.bytes - others);
      const over = Number(totals[`${kind}:count`] ?? 0) > this.#most(kind) || (bytes[kind] as number) > room;
      if (over || thorough) bytes[kind] = await this.#sweepKind(kind, room);
    }
  }

  /** Answers with the bytes that are left. */
  async #sweepKind(kind: EndedKind, room: number): Promise<number> {
    const { link, keys, retention } = this.#parts;
    const most = this.#most(kind);
    if (!keys.sameSlot) return sweepCluster({ link, keys, kind, most, room, grace: retention.grace });
    const args = [kind, most, room, retention.grace, keys.result(''), batchesAtOnce];
    for (;;) {
      const [, bytes, more] = await link.run((client) =>
        scriptsOf(client).sweepEnded([keys.ended(kind), keys.endedTotals], args),
      );
      if (more === 0) return bytes;
    }
  }

  #most(kind: EndedKind): number {
    const { failures, results } = this.#parts.retention;
    return kind === 'failures' ? failures : results;
  }

  async #sweepDeadLetters(queue: string): Promise<void> {
    const { link, keys, retention } = this.#parts;
    const key = keys.dead(queue);
    const letters = (): Promise<number> => link.run((client) => client.xlen(key));
    if ((await letters()) === 0) return;
    const since = Date.now() - retention.deadLetterExpires;
    await link.run((client) => client.xtrim(key, 'MINID', since));
    const length = await letters();
    const size = await link.run((client) => client.memory('USAGE', key, 'SAMPLES', sampledNodes)).catch(() => null); // an ACL may forbid it
    const fits =
      size && size > retention.deadLetterBytes ? Math.floor((length * retention.deadLetterBytes) / size) : length;
    const most = Math.min(fits, retention.deadLetters);
    if (length > most) await link.run((client) => client.xtrim(key, 'MAXLEN', most));
  }
}
