import type { Clock } from '../clock.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import { GateDecidedError, GateTimeoutError, UnknownGateError } from '../errors.ts';
import { childId } from '../message/child-id.ts';
import { toFailure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { isFinal, type OutcomeRecord } from '../message/outcome.ts';
import type { GateRule, TaskPlan } from '../message/plan.ts';
import { newTaskId } from '../message/task-id.ts';
import { OutcomeWriter, outcomeTtl } from '../results/outcome-writer.ts';
import type { Ending, Input, Unit } from './continuation.ts';
import { planTtl } from './plan-sink.ts';

/** What gates need. */
export interface GateTools {
  readonly results: ResultBackend;
  readonly clock: Clock;
  readonly publish: (messages: readonly Message[]) => Promise<void>;
  readonly resultExpires: number;
  /** Where waiting gates are listed; undefined: the broker has none. */
  readonly sharedRegistry: () => SharedRegistry | undefined;
  /** Takes messages back that are not needed any more. */
  readonly cancel: (ids: readonly string[], queue: string) => Promise<void>;
  readonly ended: (unit: Unit, ending: Ending) => Promise<void>;
}

/** The state of a gate whose turn has come. */
export const waiting = 'WAITING';
/** The book of waiting gates. */
export const gateNamespace = 'gates';

type GateRecord = OutcomeRecord & { readonly plan: TaskPlan & { readonly gate: GateRule } };

/** What is decided about a gate. */
export type Decision = Extract<Ending, { readonly state: 'SUCCESS' | 'FAILURE' }>;

/**
 * Gates wait as records. Their turn writes WAITING and sends a message for the end of their time; a decision is written
 * once, under an id beside the gate's, and sends another message. Whichever of the two a worker meets first carries the
 * decision out; the other changes nothing. A decision may come before the gate's turn: each of the two looks for the
 * other after it has written.
 */
export class GateKeeper {
  readonly #tools: GateTools;

  constructor(tools: GateTools) {
    this.#tools = tools;
  }

  /** A gate's turn has come. May be repeated. */
  async arm(record: OutcomeRecord, input: Input | undefined): Promise<void> {
    if (!isGate(record) || isFinal(record)) return;
    const { results, publish } = this.#tools;
    const armed = record.state === waiting ? record : this.#armed(record, input);
    await results.put([{ record: armed, ttl: planTtl }]);
    await this.#announce(armed);
    const { until } = armed.meta as { readonly until: number };
    await publish([this.#message(armed, '~t', until)]);
    const [decided] = await results.get([decisionId(record.id)]);
    if (decided) await publish([this.#message(armed, '~w')]);
  }

  /**
   * Writes a decision. The first one counts; the same one again changes nothing. Throws {@link UnknownGateError},
   * {@link GateDecidedError}.
   */
  async decide(id: string, decision: Decision): Promise<void> {
    const { results, publish } = this.#tools;
    const [record] = await results.get([id]);
    if (!isGate(record)) throw unknown(id, record);
    const stands = isFinal(record) ? record : await this.#stand(id, decision);
    if (!isSame(stands, decision)) throw new GateDecidedError(id, describe(stands));
    const [now] = await results.get([id]);
    if (now?.state === waiting && isGate(now)) await publish([this.#message(now, '~w')]);
  }

  /** Carries out what was decided, or that nobody has in time. May be repeated. */
  async open(id: string): Promise<void> {
    const { results } = this.#tools;
    const [record] = await results.get([id]);
    if (!isGate(record)) return; // revoked, and what depends on it with it; or over and gone
    await this.end(record, isFinal(record) ? endingOf(record) : await this.#decided(record));
  }

  /** Ends a gate, unless it has ended before, and does what follows its end. May be repeated. */
  async end(record: GateRecord, ending: Ending): Promise<void> {
    const { results } = this.#tools;
    const { id, plan } = record;
    const final = isFinal(record) ? record : await this.#finish(record, ending);
    const unit = { id, task: `gate "${plan.gate.name}"`, canvas: plan.message.canvas ?? {} };
    await this.#tools.ended(unit, endingOf(final));
    await this.forget(id);
    await this.#tools.cancel([childId(id, '~t')], plan.message.queue);
    await results.forget([decisionId(id)]);
  }

  /** Takes a gate off the list of those that wait. */
  async forget(id: string): Promise<void> {
    await this.#tools.sharedRegistry()?.remove(gateNamespace, [id]);
  }

  /** What was decided; where nobody has, its time is over. */
  async #decided({ id, plan }: GateRecord): Promise<Ending> {
    return endingOf(await this.#stand(id, inTime(plan.gate, id)));
  }

  /** The gate's final record; what stands where it was revoked meanwhile. */
  async #finish(record: GateRecord, ending: Ending): Promise<OutcomeRecord> {
    const { results, clock, resultExpires } = this.#tools;
    const { replyTo, resultExpires: asked } = record.plan.message;
    const ttl = outcomeTtl(ending.state, resultExpires, asked);
    const final: OutcomeRecord = { ...record, ...ending, at: clock.now() };
    const outcomes = new OutcomeWriter({ results, now: () => clock.now(), resultExpires });
    return outcomes.storeOne({ record: final, ttl, ...(replyTo ? { replyTo } : {}) });
  }

  /** The decision that counts: this one, unless another was first. */
  async #stand(id: string, decision: Decision): Promise<OutcomeRecord> {
    const { results, clock } = this.#tools;
    const { state } = decision;
    const base = { id: decisionId(id), task: '', attempts: 0, at: clock.now(), meta: newTaskId() };
    const record: OutcomeRecord =
      decision.state === 'SUCCESS'
        ? { ...base, state, value: decision.value ?? null }
        : { ...base, state, failure: decision.failure };
    const [stood] = await results.put([{ record, ttl: planTtl }]);
    if (stood) return record;
    const [first] = await results.get([record.id]);
    return first ?? record;
  }

  #armed(record: GateRecord, input: Input | undefined): GateRecord {
    const { gate, message } = record.plan;
    const since = this.#tools.clock.now();
    const given = input ?? (message.args.length > 0 ? { value: message.args[0] as JsonValue } : undefined);
    const shown = given && 'value' in given ? { input: given.value } : {};
    return { ...record, state: waiting, meta: { gate: gate.name, since, until: since + gate.timeout, ...shown } };
  }

  async #announce({ id, rootId, meta, plan }: GateRecord): Promise<void> {
    const entry = { ...(meta as object), ...(rootId === undefined ? {} : { rootId }) };
    await this.#tools.sharedRegistry()?.put(gateNamespace, id, entry, plan.gate.timeout + 86_400_000);
  }

  /** What brings a worker to the gate: at the end of its time (`~t`), or when it is decided (`~w`). */
  #message({ id, plan }: GateRecord, mark: '~t' | '~w', eta?: number): Message {
    const {
      canvas: _canvas,
      groupId: _group,
      groupIndex: _index,
      replyTo: _replyTo,
      deadline: _deadline,
      ...base
    } = plan.message;
    const sentAt = this.#tools.clock.now();
    const at = eta === undefined ? {} : { eta };
    return { ...base, ...at, id: childId(id, mark), args: [], sentAt, mayRepeat: true, canvas: { replaces: id } };
  }
}

function decisionId(id: string): string {
  return childId(id, '~d');
}

/** What a gate comes to that nobody has decided. */
function inTime({ name, timeout, fallback }: GateRule, id: string): Decision {
  if (fallback) return { state: 'SUCCESS', value: fallback.value };
  return { state: 'FAILURE', failure: toFailure(new GateTimeoutError(name, timeout, id)) };
}

/** Whether this is the record of a gate that has not been taken back. */
export function isGate(record: OutcomeRecord | undefined): record is GateRecord {
  return record?.plan?.kind === 'task' && record.plan.gate !== undefined;
}

function endingOf({ state, value, failure, reason }: OutcomeRecord): Ending {
  if (state === 'SUCCESS') return { state: 'SUCCESS', ...(value === undefined ? {} : { value }) };
  if (state === 'FAILURE' && failure) return { state: 'FAILURE', failure };
  return { state: 'REVOKED', reason: reason ?? 'revoked' };
}

function isSame({ state, value, failure }: OutcomeRecord, decision: Decision): boolean {
  if (state !== decision.state) return false;
  if (decision.state === 'SUCCESS') return JSON.stringify(value ?? null) === JSON.stringify(decision.value ?? null);
  return failure?.name === decision.failure.name && failure.message === decision.failure.message;
}

function unknown(id: string, record: OutcomeRecord | undefined): UnknownGateError | GateDecidedError {
  if (record?.state === 'REVOKED') return new GateDecidedError(id, 'it was revoked');
  return new UnknownGateError(
    id,
    record ? `it is a task (${record.task})` : 'its id is not known, or it ended long ago',
  );
}

function describe({ state, value, failure, reason }: OutcomeRecord): string {
  if (state === 'SUCCESS') return `it was resolved with ${JSON.stringify(value ?? null).slice(0, 200)}`;
  return failure ? `${failure.name}: ${failure.message}` : `it was revoked (${reason ?? 'revoked'})`;
}
