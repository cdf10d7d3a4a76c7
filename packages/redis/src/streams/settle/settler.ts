import {
  type AckJoin,
  encodeRecord,
  type OutcomeWrite,
  type RetryRule,
  retry,
  type Settlement,
} from '@lovage/core/driver';
import { type AckReply, scriptsOf } from '../../scripts/scripts.ts';
import { settleRule } from '../../settle-rule.ts';
import type { ConsumerContext } from '../consumer-context.ts';
import { encodePayload } from '../entry/entry.ts';
import { group, type QueueStream } from '../entry/stream-queue.ts';
import { AckBatch, type OpenMember } from './ack-batch.ts';
import { ClusterAcks } from './cluster-acks.ts';
import { corked } from './corked-writes.ts';
import { dropStale, type StreamDelivery, tellSettled } from './delivery.ts';

/** Longest body of a dead letter that is no message, in bytes: foreign entries may be of any size. */
const longestForeignBody = 2 * 1024 * 1024;

/** Plain deliveries are over with their ack. */
const none: readonly OpenMember[] = [];

/** Carries settlements out: those of one turn of the event loop leave in one write, the acks of a stream in one script. */
export class Settler {
  readonly #context: ConsumerContext;
  /**
   * What the turn has settled so far. Each turn has maps of its own: the tables of one that is cleared point to the next, so that once one was
   * promoted, every batch after it survives until the next full collection (1.7 kB a task; core's IdMap tells of the same).
   */
  #acks = new Map<QueueStream, AckBatch>();
  /** As {@link #acks}, of members of groups. */
  #members = new Map<QueueStream, AckBatch>();
  /** On a cluster, in place of {@link #acks}. */
  readonly #clusterAcks: ClusterAcks | undefined;
  #others: (() => void)[] = [];

  constructor(context: ConsumerContext) {
    this.#context = context;
    this.#clusterAcks = context.keys.sameSlot ? undefined : new ClusterAcks(context);
  }

  /** Takes a settlement in; it is sent by the next {@link flush}. */
  add(delivery: StreamDelivery, settlement: Settlement): void {
    delivery.state = 'settling';
    switch (settlement.kind) {
      case 'ack':
        this.#ack(delivery, settlement.outcome, 'join' in settlement ? settlement.join : undefined);
        return;
      case 'retryAt':
        this.#others.push(() => {
          const { message, at } = settlement;
          void this.#putBack(delivery, { payload: encodePayload(message), band: message.priority, at });
        });
        return;
      case 'release':
        this.#others.push(
          () => void this.#putBack(delivery, { payload: '', band: delivery.content.band, at: settlement.at }),
        );
        return;
      case 'deadLetter':
        this.#others.push(() => void this.#park(delivery, settlement));
        return;
      default:
        settlement satisfies never;
    }
  }

  /** Sends what was taken in. */
  flush(): void {
    this.#clusterAcks?.flush();
    const [acks, members, others] = [this.#acks, this.#members, this.#others];
    if (acks.size + members.size + others.length === 0) return;
    if (acks.size > 0) this.#acks = new Map();
    if (members.size > 0) this.#members = new Map();
    this.#others = [];
    corked(this.#context.client, () => {
      for (const [stream, batch] of acks) void this.#send(stream, batch);
      for (const [stream, batch] of members) void this.#send(stream, batch);
      for (const other of others) other();
    });
  }

  /** Hands a delivery back unspent, before all others. False when the lease was lost, or the store could not be told. */
  async handBack(delivery: StreamDelivery): Promise<boolean> {
    delivery.state = 'settling';
    try {
      const held = await this.#runPutBack(delivery, { payload: '', band: delivery.content.band, at: undefined });
      this.#context.held.end(delivery);
      return held === 1;
    } catch (error) {
      this.#context.onError(error as Error);
      this.#context.held.leave(delivery);
      return false;
    }
  }

  #ack(delivery: StreamDelivery, outcome: OutcomeWrite | undefined, join?: AckJoin): void {
    if (this.#clusterAcks) {
      this.#clusterAcks.add(delivery, outcome);
      return;
    }
    const { stream } = delivery;
    const acks = join ? this.#members : this.#acks;
    let batch = acks.get(stream);
    if (!batch) {
      batch = new AckBatch(this.#context.keys, this.#context.name, join !== undefined);
      acks.set(stream, batch);
    }
    const record = outcome ? encodeRecord(outcome.record, outcome.valueText) : '';
    batch.add(delivery, join ? { outcome, record, join } : { outcome, record });
    if (batch.full) {
      acks.delete(stream);
      this.#others.push(() => void this.#send(stream, batch));
    }
  }

  /** Never rejects. */
  async #send(stream: QueueStream, batch: AckBatch): Promise<void> {
    let left = batch;
    try {
      await retry(this.#context.clock, this.#rule(), undefined, async () => {
        const { failed, problem } = this.#ended(left, await this.#end(stream, left));
        if (failed.length === 0) return;
        left = left.only(failed);
        throw new Error(`a result could not be stored: ${problem}`);
      });
    } catch {
      for (const delivery of left.deliveries) this.#context.held.leave(delivery);
    }
  }

  /** Ends what the reply settles; returns the places of those whose outcome could not be stored. */
  #ended(
    batch: AckBatch,
    [stale, failed, problem, flat]: AckReply,
  ): { readonly failed: readonly number[]; readonly problem: string } {
    const open = batch.members?.open(flat) ?? none;
    const refused = open.filter(({ state }) => state.refused).map(({ place }) => place);
    batch.noteEnded(this.#context.ended, [...stale, ...failed, ...refused]);
    if (stale.length > 0)
      for (const index of stale) dropStale(this.#context, batch.deliveries[index] as StreamDelivery);
    const waiting = open.length === 0 ? failed : [...failed, ...open.map(({ place }) => place)];
    for (const [place, delivery] of batch.deliveries.entries()) {
      if (waiting.length > 0 && waiting.includes(place)) continue;
      this.#context.held.end(delivery);
      tellSettled(delivery);
    }
    for (const member of open) void this.#follow(batch.deliveries[member.place] as StreamDelivery, member);
    return { failed, problem };
  }

  #end(stream: QueueStream, batch: AckBatch): Promise<AckReply> {
    const [scripts, { members }] = [scriptsOf(this.#context.client), batch];
    if (batch.aliases.length > 0)
      this.#context.client.srem(stream.queue.known, ...batch.aliases).catch(this.#context.onError);
    const keys: [string, string] = [stream.key, stream.queue.known];
    if (!members) return scripts.streamAck(keys, batch.args());
    return scripts.streamAckMembers([...keys, ...members.keys()], [...batch.args(), ...members.args()]);
  }

  /** A member that was stored and is held: runs on until its receiver says how it is settled. */
  async #follow(delivery: StreamDelivery, { join, state }: OpenMember): Promise<void> {
    delivery.state = 'running';
    try {
      const settlement = await join.follow(state);
      if (delivery.state !== 'running') return; // handed back meanwhile
      this.add(delivery, settlement);
      this.flush();
    } catch (error) {
      this.#context.onError(error as Error);
      this.#context.held.leave(delivery);
    }
  }

  #rule(): RetryRule {
    const { client, clock, onError, request } = this.#context;
    return settleRule({ client, leaseDuration: request.leaseDuration, now: () => clock.monotonic(), onError });
  }

  /** Tries a settlement of one delivery until the store takes it; undefined when it does not. */
  async #retryWithinLease(delivery: StreamDelivery, settle: () => Promise<number>): Promise<number | undefined> {
    try {
      return await retry(this.#context.clock, this.#rule(), undefined, settle);
    } catch {
      this.#context.held.leave(delivery);
      return undefined;
    }
  }

  async #putBack(delivery: StreamDelivery, how: PutBack): Promise<void> {
    const held = await this.#retryWithinLease(delivery, () => this.#runPutBack(delivery, how));
    if (held === undefined) return;
    if (held === 0) dropStale(this.#context, delivery);
    else delivery.settled?.(false);
    this.#context.held.end(delivery);
  }

  #runPutBack({ stream, entry, content }: StreamDelivery, { payload, band, at }: PutBack): Promise<number> {
    const { base, wake } = stream.queue;
    const when = at === undefined ? '' : Math.max(0, Math.ceil(at));
    return scriptsOf(this.#context.client).streamPutBack(
      [stream.key, base],
      [group, this.#context.name, entry, content.id, band, content.lost, payload, when, wake],
    );
  }

  /** Parks first, then ends: a crash between the two parks it twice, which loses nothing. */
  async #park(
    delivery: StreamDelivery,
    { reason, outcome }: Extract<Settlement, { kind: 'deadLetter' }>,
  ): Promise<void> {
    const { stream, entry, content } = delivery;
    const { message } = content;
    const letter = [
      ...[message?.id ?? content.parts?.id ?? content.id, Date.now(), reason.name, reason.message],
      ...[message?.task ?? content.parts?.task ?? '', message ? JSON.stringify(message) : '', longestForeignBody],
    ];
    const keys: [string, string] = [stream.key, stream.queue.dead];
    const args = [group, this.#context.name, entry, this.#context.retention.deadLetters, ...letter];
    const held = await this.#retryWithinLease(delivery, () => scriptsOf(this.#context.client).streamPark(keys, args));
    if (held === undefined) return;
    if (held === 1) {
      this.#ack(delivery, outcome);
      this.flush();
      return;
    }
    dropStale(this.#context, delivery);
    this.#context.held.end(delivery);
  }
}

interface PutBack {
  /** '' keeps the payload that the entry has. */
  readonly payload: string;
  readonly band: number;
  /** undefined: at once, before all others. */
  readonly at: number | undefined;
}
