import { ConfigurationError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { assertJson } from '../message/payload-codec.ts';
import type { GateRule } from '../message/plan.ts';
import { type Duration, parseDuration } from '../options/duration.ts';
import { type Reader, readOptions } from '../options/option-reader.ts';
import { isName } from '../options/well-formed.ts';
import { defineTask, type TaskDefinition } from '../task/task.ts';
import { partsToJson, pipe } from './chain.ts';
import { noParts, Signature, type SignatureParts, type SignatureShape } from './signature.ts';
import type { GateData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** Options of {@link gate}. */
export interface GateOptions<T> {
  /** How long it waits, from its turn; at most 28 days. Then it fails ({@link GateTimeoutError}), or takes `default`. @default '28d' */
  readonly timeout?: Duration;
  /** Its value when nobody has resolved it in time; JSON. @default none: it fails */
  readonly default?: T;
}

/** What a gate's messages are sent as. Workers know it without being told. */
export const gateTask = 'lovage.gate';

/** Plans are kept for 30 days: what follows a gate must still be there when it opens. */
const longest = 28 * 86_400_000;
const limit = { bytes: 1_048_576, option: 'maxPayload' };
let definition: TaskDefinition | undefined;

/** A step that waits until somebody resolves it: no worker is held, nothing is polled. {@link gate} makes it. */
export class Gate<Out = unknown> extends Signature<[unknown?], Out> {
  readonly rule: GateRule;
  /** It has no task of its own: the steps around it know the app. */
  readonly sender: undefined;

  /** @internal Made by {@link gate}. */
  constructor(rule: GateRule, parts: SignatureParts = noParts) {
    super(parts);
    this.rule = rule;
  }

  get shape(): SignatureShape {
    definition ??= defineTask(gateTask);
    return { kind: 'task', task: gateTask, args: [], immutable: false, each: false, definition, gate: this.rule };
  }

  pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<[unknown?], NextOut> {
    return pipe(this, next);
  }

  toJSON(): GateData {
    const { name, timeout, fallback } = this.rule;
    return { gate: name, timeout, ...(fallback ? { default: fallback.value } : {}), ...partsToJson(this) };
  }

  protected copy(parts: SignatureParts): this {
    return new Gate<Out>(this.rule, parts) as this;
  }
}

const plain: Reader<JsonValue> = (value, where) => {
  assertJson(value, where, limit, `${where} of a gate`);
  return value as JsonValue;
};

const timeoutOf: Reader<number> = (value, where) => {
  const ms = parseDuration(value, where);
  if (ms <= longest) return ms;
  throw new ConfigurationError(`${where}: a gate waits for at most 28 days: the store keeps a canvas for 30`);
};

/**
 * A step of a canvas that waits for `app.resolveGate(id, value)`, called from anywhere: the value flows to the next step. What
 * the step before gave is shown to whoever decides. Throws {@link ConfigurationError}, {@link PayloadNotSerializableError}.
 */
export function gate<T = unknown>(name: string, given: GateOptions<T> = {}): Gate<T> {
  if (!isName(name) || name.trim() === '' || name.length > 200) {
    throw new ConfigurationError(
      `gate(name): expected a well-formed name of 1 to 200 characters, received ${JSON.stringify(name)}`,
    );
  }
  const read = readOptions(given, { timeout: timeoutOf, default: plain }, `gate "${name}"`);
  const fallback = read.default === undefined ? {} : { fallback: { value: read.default } };
  return new Gate<T>({ name, timeout: read.timeout ?? longest, ...fallback });
}
