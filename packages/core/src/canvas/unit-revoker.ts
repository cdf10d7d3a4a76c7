import type { Clock } from '../clock.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { CanvasRef } from '../message/canvas-ref.ts';
import { childId, replacedId } from '../message/child-id.ts';
import type { Message } from '../message/message.ts';
import { isFinal, type OutcomeRecord, type OutcomeWrite } from '../message/outcome.ts';
import { revokedTtl } from '../results/keep-revoked.ts';
import { chunkSize, memberIds } from '../results/list-values.ts';
import { OutcomeWriter, toOutcome } from '../results/outcome-writer.ts';
import { broadcastInbox } from '../results/result-inbox.ts';
import type { CanvasRunner } from './canvas-runner.ts';
import type { FailedEnding } from './continuation.ts';

/** What taking units back needs. */
export interface UnitRevokerTools {
  readonly results: ResultBackend;
  readonly monitor: Monitor | undefined;
  readonly clock: Clock;
  readonly resultExpires: number;
  readonly runner: CanvasRunner;
}

/** What is known of a unit: its record, the message that was found of it, or neither. */
interface Known {
  readonly id: string;
  readonly record: OutcomeRecord | undefined;
  readonly message: Message | undefined;
}

/**
 * Takes tasks back, alone or as units of canvases, wherever they stand: laid down for later, waiting, delayed or running.
 * They end at once, and with them what depends on them, the members of a group, and the earlier steps of a chain whose
 * last step is taken back, since it stands for the whole. Every step may be repeated; one that is left out by a crash is
 * done by the worker that meets the message.
 */
export class UnitRevoker {
  readonly #tools: UnitRevokerTools;
  readonly #reason: string;
  /** Groups that have ended with one of their members: the others have nothing more to tell them. */
  readonly #groups = new Set<string>();

  constructor(tools: UnitRevokerTools, reason: string) {
    this.#tools = tools;
    this.#reason = reason;
  }

  /** Takes these back; resolves with their ids and those of all that went with them. */
  async revoke(ids: readonly string[]): Promise<readonly string[]> {
    const all = new Set<string>(ids);
    let next = [...all];
    while (next.length > 0) {
      const found: string[] = [];
      for (let start = 0; start < next.length; start += chunkSize) {
        for (const id of await this.#chunk(next.slice(start, start + chunkSize))) found.push(id);
      }
      next = found.filter((id) => !all.has(id));
      for (const id of next) all.add(id);
    }
    return [...all];
  }

  /** Ends these messages, which were found in a queue, and takes them out of it; resolves with how many it ended or took out. */
  async endMessages(messages: readonly Message[], queue?: string): Promise<number> {
    const known = messages.map((message) => ({ id: message.id, record: undefined, message }));
    const ended = await this.#end(known);
    const removed = await this.#remove(ended.writes, queue);
    return messages.filter((_, index) => removed[index] || ended.stand[index]).length; // a gate takes its message out itself
  }

  /** Resolves with the ids that are to go too. */
  async #chunk(ids: readonly string[]): Promise<readonly string[]> {
    const { results, monitor, runner } = this.#tools;
    const [records, replaced] = await Promise.all([results.get(ids), results.get(ids.map(replacedId))]);
    const messages = (await monitor?.find?.(ids)) ?? [];
    const known = ids.map((id, index) => ({ id, record: records[index], message: messages[index] }));
    for (const { record } of known) {
      if (record && !isFinal(record)) await runner.revoked(record, this.#ending); // first what depends on it: see FailDependents
    }
    const ended = await this.#end(known);
    if (monitor?.find) await this.#remove(ended.writes);
    const more = await Promise.all(known.map((unit) => this.#with(unit)));
    return [...more.flat(), ...ids.flatMap((id, index) => (replaced[index] ? [childId(id, '~r')] : []))];
  }

  /**
   * Takes messages out of their queues. The record of one that was removed has nothing to stop any more: from now on it is kept like
   * those of other tasks that ended.
   */
  async #remove(ended: readonly OutcomeWrite[], queue?: string): Promise<readonly boolean[]> {
    const { monitor, results, resultExpires } = this.#tools;
    const ids = ended.map(({ record }) => record.id);
    const removed = (await monitor?.remove?.(ids, queue === undefined ? undefined : [queue])) ?? [];
    const over = ended.filter((_, index) => removed[index]).map(({ record }) => ({ record, ttl: resultExpires }));
    if (over.length > 0) await results.put(over);
    return removed;
  }

  /** Answers with what was written, and which of it stands. */
  async #end(
    units: readonly Known[],
  ): Promise<{ readonly writes: readonly OutcomeWrite[]; readonly stand: readonly boolean[] }> {
    const writes = units.map((unit) => this.#write(unit));
    const { results, clock, resultExpires } = this.#tools;
    const records = await new OutcomeWriter({ results, now: () => clock.now(), resultExpires }).store(writes);
    for (const [index, { message }] of units.entries())
      if (message?.canvas && records[index]?.state === 'REVOKED') await this.#follow(message);
    return { writes, stand: writes.map(({ record }, index) => records[index] === record) };
  }

  /** What depends on a message that will not be run. */
  async #follow({ id, task, canvas = {} }: Message): Promise<void> {
    const { join, errors, links, replaces, wakes } = canvas;
    const isBare = join !== undefined && !errors && !links && !replaces && !wakes;
    if (isBare && this.#groups.has(join.group)) return;
    await this.#tools.runner.ended({ id, task, canvas }, this.#ending);
    if (join) this.#groups.add(join.group);
  }

  /** The members of a group; the earlier steps of a chain that ends with this unit. */
  async #with({ id, record, message }: Known): Promise<readonly string[]> {
    const plan = record?.plan;
    const members = plan?.kind === 'group' ? memberIds(id, 0, plan.size ?? 0, plan.own) : [];
    const canvas = canvasOf(record) ?? message?.canvas;
    if (canvas === undefined || canvas.next !== undefined) return members;
    return [...members, ...(await this.#before(id, record?.parentId ?? message?.parentId))];
  }

  async #before(last: string, lead: string | undefined): Promise<readonly string[]> {
    const steps: string[] = [];
    for (let at = last, parent = lead; parent !== undefined; ) {
      const step = await this.#stepBefore(at, parent);
      if (step === undefined) break;
      steps.push(step.id);
      at = step.id;
      parent = step.record?.parentId ?? step.message?.parentId;
    }
    return steps;
  }

  /** The step that leads to this one, as long as it has not ended; the parent of a body is the first member of its header. */
  async #stepBefore(at: string, parent: string): Promise<Known | undefined> {
    const group = /^(.*)\.0$/.exec(parent)?.[1] ?? parent;
    const [own, header] = await this.#tools.results.get([parent, group]);
    if (header && !isFinal(header) && canvasOf(header)?.next === at)
      return { id: group, record: header, message: undefined };
    const message = own?.plan || (own && isFinal(own)) ? undefined : (await this.#tools.monitor?.find?.([parent]))?.[0];
    const canvas = canvasOf(own) ?? message?.canvas;
    if (canvas?.join?.index === 0 && canvas.join.group !== group) return this.#headerBefore(at, canvas.join.group);
    if (own && isFinal(own)) return undefined;
    return canvas?.next === at ? { id: parent, record: own, message } : undefined;
  }

  /** The header of a body whose first member has an id of its own. */
  async #headerBefore(at: string, group: string): Promise<Known | undefined> {
    const [record] = await this.#tools.results.get([group]);
    if (record === undefined || isFinal(record) || canvasOf(record)?.next !== at) return undefined;
    return { id: group, record, message: undefined };
  }

  #write({ id, record, message }: Known): OutcomeWrite {
    const { clock, resultExpires } = this.#tools;
    const { task = '', rootId, parentId } = message ?? record ?? {};
    const canvas = canvasOf(record) ?? message?.canvas;
    const ended = { id, task, rootId, parentId, canvas, replyTo: broadcastInbox };
    const facts = { now: clock.now(), attempts: record?.attempts ?? 0, ttl: Math.max(resultExpires, revokedTtl) };
    return { ...toOutcome(ended, this.#ending, facts), stopsMessage: true };
  }

  get #ending(): FailedEnding {
    return { state: 'REVOKED', reason: this.#reason };
  }
}

function canvasOf(record: OutcomeRecord | undefined): CanvasRef | undefined {
  const plan = record?.plan;
  if (plan?.kind === 'task') return plan.message.canvas ?? {};
  return plan?.kind === 'group' ? plan.canvas : record?.canvas;
}
