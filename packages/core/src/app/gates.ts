import type { CanvasSender } from '../canvas/canvas-sender.ts';
import { type Decision, gateNamespace } from '../canvas/gate-keeper.ts';
import { ConfigurationError, GateRejectedError, NotSupportedError, UnknownGateError } from '../errors.ts';
import { toFailure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import { assertJson, type SizeLimit } from '../message/payload-codec.ts';
import { isName } from '../options/well-formed.ts';
import type { Stores } from '../stores/stores.ts';
import type { AppWorkflows } from '../workflow/app-workflows.ts';

/** A gate that waits. */
export interface WaitingGate {
  /** The id to resolve it by: its step's task id. */
  readonly id: string;
  readonly name: string;
  /** The first task of its canvas. */
  readonly rootId: string | undefined;
  readonly since: Date;
  /** When its time is over. */
  readonly until: Date;
  /** What the step before it gave, where it is small; undefined otherwise. */
  readonly input: JsonValue | undefined;
}

/** Which gates. */
export interface GateFilter {
  readonly name?: string;
  readonly rootId?: string;
}

/** What gates need of the app. */
export interface GatesContext {
  readonly stores: Stores;
  readonly canvas: CanvasSender;
  /** Events that workflow runs wait for are decided on in the same way. */
  readonly workflows: Pick<AppWorkflows, 'resolveEvent'>;
  readonly maxResult: SizeLimit;
}

/** The gates of all canvases on this broker, from the side of who decides. */
export class AppGates {
  readonly #context: GatesContext;

  constructor(context: GatesContext) {
    this.#context = context;
  }

  /** See `app.resolveGate`. */
  async resolve(id: string, value: unknown = null): Promise<void> {
    assertId(id, 'app.resolveGate');
    assertJson(value, 'value', this.#context.maxResult, 'the value of a gate');
    await this.#decide(id, { state: 'SUCCESS', value: value as JsonValue });
  }

  /** See `app.rejectGate`. */
  async reject(id: string, reason: string | Error): Promise<void> {
    assertId(id, 'app.rejectGate');
    if (typeof reason !== 'string' && !(reason instanceof Error)) {
      throw new ConfigurationError('app.rejectGate(id, reason): the reason is text, or an error');
    }
    const error = typeof reason === 'string' ? new GateRejectedError(id, reason) : reason;
    const { stack: _stack, ...failure } = toFailure(error); // of the one who decides: no business of the canvas
    await this.#decide(id, { state: 'FAILURE', failure });
  }

  /** The gates that wait, the oldest first. */
  async list({ name, rootId }: GateFilter = {}): Promise<readonly WaitingGate[]> {
    const { stores } = this.#context;
    const { sharedRegistry } = await stores.open();
    if (sharedRegistry === undefined)
      throw new NotSupportedError(`${stores.display} keeps no directory: gates are not listed`);
    const entries = await sharedRegistry.list(gateNamespace);
    return entries
      .flatMap((entry) => (entry.expiredFor === undefined ? (readGate(entry.name, entry.value) ?? []) : []))
      .filter((gate) => (name === undefined || gate.name === name) && (rootId === undefined || gate.rootId === rootId))
      .sort((a, b) => a.since.getTime() - b.since.getTime());
  }

  async #decide(id: string, decision: Decision): Promise<void> {
    const runner = await this.#context.canvas.runner();
    const body = decision.state === 'SUCCESS' ? { value: decision.value ?? null } : { failure: decision.failure };
    await runner.gates.decide(id, decision).catch(async (error: unknown) => {
      if (!(error instanceof UnknownGateError) || !(await this.#context.workflows.resolveEvent(id, body))) throw error;
    });
  }
}

function assertId(id: unknown, where: string): void {
  if (isName(id)) return;
  throw new ConfigurationError(`${where}(id): the id is that of a gate: see app.gates.list()`);
}

function readGate(id: string, value: JsonValue): WaitingGate | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { gate, since, until, rootId, input } = value as Readonly<Record<string, JsonValue>>;
  if (typeof gate !== 'string' || typeof since !== 'number' || typeof until !== 'number') return undefined;
  return {
    id,
    name: gate,
    rootId: typeof rootId === 'string' ? rootId : undefined,
    since: new Date(since),
    until: new Date(until),
    input,
  };
}
