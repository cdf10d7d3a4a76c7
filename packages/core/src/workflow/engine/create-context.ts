import { createHash } from 'node:crypto';
import type { CanvasSender } from '../../canvas/canvas-sender.ts';
import { type AnySignature, assertSignature } from '../../canvas/signature.ts';
import { ConfigurationError, EventTimeoutError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { toFailure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import { assertJson, decodeResult, type PayloadOwner } from '../../message/payload-codec.ts';
import { parseDuration, parseInstant } from '../../options/duration.ts';
import { createSchemaCodec, type Schema } from '../../options/schema.ts';
import type { TaskContext } from '../../task/task-context.ts';
import type { EntryKind } from '../log-entry.ts';
import { ContinueAs } from '../run-errors.ts';
import { currentStep } from '../step-context.ts';
import { readStepOptions, type StepOptions } from '../step-options.ts';
import type { Callable, EventOptions, Startable, WorkflowContext } from '../workflow-context.ts';
import { childRunId } from './child-run-id.ts';
import { quietDuringReplay } from './quiet-logger.ts';
import type { Request } from './request.ts';
import type { RunEngine } from './run-engine.ts';
import { runStep, type StepFunction } from './run-step.ts';

/** What `w` is made of. */
export interface ContextParts {
  readonly engine: RunEngine;
  readonly self: Pick<TaskContext, 'id' | 'rootId' | 'log' | 'progress'>;
  readonly canvas: CanvasSender;
  /** The schemas of a task, for values of children. */
  readonly payloadOf: (task: string) => PayloadOwner | undefined;
}

/** How often a compensation that fails is tried again, unless it says so itself. */
const compensationRetries = 10;
const longestName = 200;

/** The `w` of one run. */
export function createContext(parts: ContextParts): WorkflowContext {
  return new Context(parts) as WorkflowContext; // the overload-free methods below take what the interface promises
}

class Context {
  readonly id: string;
  readonly #parts: ContextParts;
  readonly #engine: RunEngine;
  #log: Logger | undefined;
  readonly #drawn = { random: 0, uuid: 0 };

  constructor(parts: ContextParts) {
    this.#parts = parts;
    this.#engine = parts.engine;
    this.id = parts.engine.id;
  }

  get stepId(): string {
    return currentStep()?.id ?? this.id;
  }

  get attempt(): number {
    return currentStep()?.attempt ?? 1;
  }

  get signal(): AbortSignal {
    return currentStep()?.signal ?? this.#engine.signal;
  }

  get log(): Logger {
    this.#log ??= quietDuringReplay(this.#parts.self.log, () => this.#engine.log.replaying);
    return this.#log;
  }

  step(name: string, fn: StepFunction, options?: StepOptions): Promise<unknown> {
    return this.#step('step', { name: nameOf(name, 'w.step'), fn, options, retries: 0 });
  }

  compensate(name: string, fn: StepFunction, options?: StepOptions): void {
    const named = { name: nameOf(name, 'w.compensate'), fn, options, retries: compensationRetries };
    this.#engine.assertUsable('compensate', name);
    if (typeof fn !== 'function') throw new ConfigurationError(`w.compensate("${name}", fn): fn is a function`);
    this.#engine.compensate(() => this.#step('compensate', named));
  }

  call(task: Callable, args: readonly unknown[], options?: object): Promise<unknown> {
    if (typeof task?.si !== 'function')
      throw new ConfigurationError('w.call(task, args): the task is one that app.task returned');
    const signature = () => (task.si as (...all: readonly unknown[]) => AnySignature)(...args).set(options ?? {});
    return this.#send('call', task.name, signature, this.#parts.payloadOf(task.name));
  }

  child(workflow: Startable, input: unknown): Promise<unknown> {
    const signature = () => signatureOf(workflow, input, 'w.child');
    return this.#send('child', workflow.name, signature, this.#parts.payloadOf(workflow.name));
  }

  run(canvas: AnySignature): Promise<unknown> {
    assertSignature(canvas, 'w.run');
    return this.#send('run', 'run', () => canvas, undefined);
  }

  start(workflow: Startable, input: unknown, options: { readonly id?: string } = {}): Promise<unknown> {
    const signature = signatureOf(workflow, input, 'w.start');
    const engine = this.#engine;
    return engine.open('start', `start ${workflow.name}`, (request) => {
      void engine.work(async () => {
        const id = options.id ?? childRunId(this.id, request.key);
        const result = await signature.applyAsync([], { taskId: id }).then(
          () => ({ value: { id } }),
          (error: unknown) => ({ failure: toFailure(error) }),
        );
        engine.complete({ request, result });
      });
    });
  }

  sleep(duration: number | string): Promise<void> {
    const ms = parseDuration(duration, 'w.sleep');
    return this.#sleep(() => this.#engine.now + ms);
  }

  sleepUntil(moment: Date | number | string): Promise<void> {
    const at = parseInstant(moment, 'w.sleepUntil');
    return this.#sleep(() => at);
  }

  event(name: string, given: EventOptions<Schema | undefined, unknown> = {}): Promise<unknown> {
    const timeout = given.timeout === undefined ? undefined : parseDuration(given.timeout, 'w.event: timeout');
    const codec = given.schema && createSchemaCodec(given.schema);
    const engine = this.#engine;
    const decode = codec && ((value: JsonValue | undefined) => decodeEvent(codec.decode(value), value));
    const start = (request: Request): void => {
      const { key } = request;
      const until = timeout === undefined ? undefined : (engine.log.mark(key)?.until ?? request.since + timeout);
      const onTime = (): void =>
        engine.complete({ request, result: this.#late(key, timeout ?? 0, given), timedOut: true });
      const wait = { event: { name, schema: codec }, ...(until === undefined ? {} : { until, onTime }) };
      engine.wait(request, wait, { kind: 'event', ...(until === undefined ? {} : { until }) });
    };
    return engine.open('event', nameOf(name, 'w.event'), start, decode);
  }

  async *events(name: string, options: EventOptions<Schema | undefined> = {}): AsyncGenerator<unknown> {
    for (;;) {
      try {
        yield await this.event(name, options);
      } catch (error) {
        if (error instanceof EventTimeoutError) return;
        throw error;
      }
    }
  }

  now(): number {
    const engine = this.#engine;
    engine.assertUsable('now', '');
    const key = engine.keyFor('now', 'now');
    const stored = engine.log.entry(key);
    if (typeof stored?.value === 'number') return stored.value;
    const at = engine.now;
    engine.record({ n: engine.log.number(), key, kind: 'now', at, took: 0, value: at });
    return at;
  }

  random(): number {
    return this.#draw('random').readUInt32BE(0) / 2 ** 32;
  }

  uuid(): string {
    const bytes = this.#draw('uuid');
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80; // version 8: made by a rule of our own (RFC 9562)
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  patch(id: string): boolean {
    const engine = this.#engine;
    const key = `patch ${nameOf(id, 'w.patch')}`;
    engine.assertUsable('patch', id);
    const known = engine.log.entry(key);
    if (known) return true;
    if (engine.log.replaying) return false;
    engine.record({ n: engine.log.number(), key, kind: 'patch', at: engine.now, took: 0 });
    return true;
  }

  continueAs(input: unknown): never {
    throw new ContinueAs(input);
  }

  progress(value: unknown): Promise<void> {
    return this.#engine.log.replaying ? Promise.resolve() : this.#parts.self.progress(value);
  }

  #step(kind: EntryKind, step: NamedStep): Promise<unknown> {
    const { name, fn } = step;
    if (typeof fn !== 'function') throw new ConfigurationError(`w.${kind}("${name}", fn): fn is a function`);
    const options = readStepOptions(step.options, `w.${kind}("${name}")`, step.retries);
    const engine = this.#engine;
    return engine.open(kind, name, (request) => runStep({ engine, request, fn, options }));
  }

  #sleep(untilOf: () => number): Promise<void> {
    const engine = this.#engine;
    return engine.open('sleep', 'sleep', (request) => {
      const until = engine.log.mark(request.key)?.until ?? untilOf();
      const onTime = (): void => engine.complete({ request, result: {} });
      engine.wait(request, { until, onTime }, { kind: 'sleep', until });
    });
  }

  /** Sends something and waits for its end. It is sent under an id of the run and the key: again only where that may not have been done. */
  #send(
    kind: EntryKind,
    name: string,
    signature: () => AnySignature,
    payload: PayloadOwner | undefined,
  ): Promise<unknown> {
    const { self, canvas } = this.#parts;
    const engine = this.#engine;
    const decode = payload && ((value: JsonValue | undefined) => decodeResult(payload, value, this.id));
    const start = (request: Request): void => {
      const id = childRunId(this.id, request.key);
      if (engine.log.mark(request.key)?.sent) return engine.wait(request, { child: id });
      void engine.work(async () => {
        const place = { id, parentId: this.id, rootId: self.rootId, wakes: { run: this.id, key: request.key } };
        if (engine.journal.hasBuffered) await engine.journal.write({});
        try {
          await canvas.sendFor(signature(), place);
        } catch (error) {
          return engine.complete({ request, result: { failure: toFailure(error) } });
        }
        engine.wait(request, { child: id }, { kind, sent: true });
      });
    };
    return engine.open(kind, name, start, decode);
  }

  #late(
    key: string,
    timeout: number,
    given: EventOptions<Schema | undefined, unknown>,
  ): { value: JsonValue } | { failure: ReturnType<typeof toFailure> } {
    if (!('default' in given)) return { failure: toFailure(new EventTimeoutError(this.id, key, timeout)) };
    const { maxResult } = this.#engine.options.limits;
    assertJson(
      given.default ?? null,
      'default',
      { bytes: maxResult, option: 'maxResult' },
      `the default of event "${key}"`,
    );
    return { value: (given.default ?? null) as JsonValue };
  }

  /** Bytes that depend on the run and on how often it has drawn: nothing to store, and the same in each replay. */
  #draw(kind: 'random' | 'uuid'): Buffer {
    this.#engine.assertUsable(kind, '');
    this.#drawn[kind] += 1;
    return createHash('sha256').update(`${this.id}\n${kind}\n${this.#drawn[kind]}`).digest();
  }
}

interface NamedStep {
  readonly name: string;
  readonly fn: StepFunction;
  readonly options: StepOptions | undefined;
  readonly retries: number;
}

/** A value that a schema took when it came in; a default need not fit it. */
function decodeEvent(
  checked: ReturnType<ReturnType<typeof createSchemaCodec>['decode']>,
  raw: JsonValue | undefined,
): unknown {
  if (checked instanceof Promise) return checked.then((late) => (late.ok ? late.value : raw));
  return checked.ok ? checked.value : raw;
}

function signatureOf(workflow: Startable, input: unknown, where: string): AnySignature {
  if (typeof workflow?.siInput === 'function') return (workflow.siInput as (input: unknown) => AnySignature)(input);
  throw new ConfigurationError(`${where}(workflow, input): the workflow is one that app.workflow returned`);
}

function nameOf(name: unknown, where: string): string {
  if (typeof name === 'string' && name !== '' && name.length <= longestName && !/[#~>!\n]/.test(name)) return name;
  throw new ConfigurationError(
    `${where}(name): expected a name of 1 to ${longestName} characters without # ~ > ! and line breaks, received ${JSON.stringify(name)}`,
  );
}
