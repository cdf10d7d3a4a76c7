import { ConfigurationError } from '../errors.ts';
import type { GateRule } from '../message/plan.ts';
import { limits } from '../options/limits.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { AsyncResult, GetOptions } from '../results/async-result.ts';
import { GroupResult } from '../results/group-result.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { CanvasData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** A signature of any shape. */
// biome-ignore lint/suspicious/noExplicitAny: `unknown` would refuse signatures with open arguments, which stand in parameters
export type AnySignature = Signature<any, any>;

/** Sends canvases; the app. */
export interface SignatureSender {
  send(canvas: AnySignature, args: readonly unknown[], options: CallOptions): Promise<AsyncResult>;
  call(canvas: AnySignature, args: readonly unknown[], options: CallOptions & GetOptions): Promise<unknown>;
  /** What the app knows of a task; a definition with defaults for a task of others. */
  definitionOf(task: string): TaskDefinition;
}

/** What every signature has, whatever it is made of. */
export interface SignatureParts {
  readonly options: CallOptions;
  readonly links: readonly AnySignature[];
  readonly errorLinks: readonly AnySignature[];
}

export const noParts: SignatureParts = { options: {}, links: [], errorLinks: [] };

/** How a kind of signature answers for itself to those that walk a canvas. */
export type SignatureShape =
  | {
      readonly kind: 'task';
      readonly task: string;
      readonly args: readonly unknown[];
      readonly immutable: boolean;
      readonly each: boolean;
      readonly definition: TaskDefinition | undefined;
      /** It is a gate. */
      readonly gate?: GateRule;
    }
  | { readonly kind: 'sequence'; readonly steps: readonly AnySignature[] }
  | { readonly kind: 'group'; readonly members: Members };

/** Members of a group: a list, or a source that is read while they are sent. */
export type Members = readonly AnySignature[] | Iterable<AnySignature> | AsyncIterable<AnySignature>;

/**
 * A call, or a canvas of calls, that has not been sent. Immutable. `In` are the arguments still open (they come before the
 * ones already given), `Out` is what it yields.
 */
export abstract class Signature<In extends readonly unknown[] = readonly unknown[], Out = unknown> {
  readonly options: CallOptions;
  /** Sent with the value when it succeeds. */
  readonly links: readonly AnySignature[];
  /** Sent with the failing id when it fails. */
  readonly errorLinks: readonly AnySignature[];
  /** @internal How many canvases and callbacks are inside one another. */
  readonly depth: number;

  /** @internal */
  constructor(parts: SignatureParts, children: readonly AnySignature[] = []) {
    const { link, linkError } = parts.options;
    this.options = Object.freeze(link || linkError ? withoutCallbacks(parts.options) : { ...parts.options });
    this.links = Object.freeze(link ? [...parts.links, ...callbacksOf(link)] : [...parts.links]);
    this.errorLinks = Object.freeze(
      linkError ? [...parts.errorLinks, ...callbacksOf(linkError)] : [...parts.errorLinks],
    );
    const inner = children.length + this.links.length + this.errorLinks.length;
    this.depth = inner === 0 ? 1 : depthAround([...children, ...this.links, ...this.errorLinks], 'canvas');
  }

  /** What it is made of. */
  abstract readonly shape: SignatureShape;
  /** Who sends it: found from its tasks; undefined where it has none. */
  abstract readonly sender: SignatureSender | undefined;
  abstract toJSON(): CanvasData;
  /** This canvas, then `next` with its value as the first argument. */
  abstract pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<In, NextOut>;
  protected abstract copy(parts: SignatureParts): this;

  /** Sends it, with these arguments before those of its first step, or of every member. */
  delay(...args: In): Promise<AsyncResult<Out>> {
    return this.applyAsync(args);
  }

  /**
   * As {@link Signature.delay}, with call options that win over its own. `countdown` and `eta` delay the start of the
   * whole, `taskId` is the id of the whole, other options are for every task that was given none of its own.
   */
  async applyAsync(args: In, options: CallOptions = {}): Promise<AsyncResult<Out>> {
    if (options.link === undefined && isEmptyList(this)) return GroupResult.empty() as AsyncResult as AsyncResult<Out>;
    return (await senderOf(this).send(this, args, options)) as AsyncResult<Out>;
  }

  /** Sends it and awaits the value. */
  async call(args: In, options: CallOptions & GetOptions = {}): Promise<Out> {
    if (options.link === undefined && isEmptyList(this)) return [] as Out;
    return (await senderOf(this).call(this, args, options)) as Out;
  }

  /** A copy with these options over its own. */
  set(options: CallOptions): this {
    return this.copy({ ...this, options: { ...this.options, ...options } });
  }

  /** A copy that sends `callback` when it succeeds, with the value as the first argument. */
  link<CallbackIn extends readonly unknown[]>(
    callback: Signature<CallbackIn, unknown> & Accepts<Out, CallbackIn>,
  ): this {
    return this.copy({ ...this, links: [...this.links, callback] });
  }

  /** A copy that sends `callback` when it fails, with the id of what failed as the first argument. */
  linkError<CallbackIn extends readonly unknown[]>(
    callback: Signature<CallbackIn, unknown> & Accepts<string, CallbackIn>,
  ): this {
    return this.copy({ ...this, errorLinks: [...this.errorLinks, callback] });
  }

  /** A copy whose every member, callback and replacement carries these stamps. */
  stamp(stamps: NonNullable<CallOptions['stamps']>): this {
    return this.set({ stamps: { ...this.options.stamps, ...stamps } });
  }

  /** A copy that equals this one. */
  clone(): this {
    return this.copy(this);
  }
}

/** The signatures that call options name as `link` or `linkError`. Throws {@link ConfigurationError} for anything else. */
export function callbacksOf(given: CallOptions['link']): readonly AnySignature[] {
  if (given === undefined) return [];
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const callback of list) assertSignature(callback, 'link');
  return list as readonly AnySignature[];
}

function withoutCallbacks({ link: _link, linkError: _linkError, ...options }: CallOptions): CallOptions {
  return options;
}

/** Throws unless the value is a signature. */
export function assertSignature(value: unknown, where: string): asserts value is AnySignature {
  if (value instanceof Signature) return;
  const hint = typeof value === 'function' ? ': call .s() or .si() on the task' : '';
  throw new ConfigurationError(`${where}: expected signatures, received ${typeof value}${hint}`);
}

/**
 * How deep a canvas of these is: 1 for tasks. Throws {@link ConfigurationError} beyond 500 levels: each is one call of the functions that
 * walk canvases, and the stack ends near 5,000.
 */
export function depthAround(parts: Iterable<AnySignature>, where: string): number {
  let depth = 0;
  for (const part of parts) if (part.depth > depth) depth = part.depth;
  if (depth < limits.canvasDepth) return depth + 1;
  throw new ConfigurationError(
    `${where}: nested deeper than ${limits.canvasDepth} levels: chain(...steps) and group(...members) take any number side by side`,
  );
}

/** Nothing but empty groups, one after another: no task says which app could send them, and the value is known. */
export function isEmptyList({ shape, links }: AnySignature): boolean {
  if (links.length > 0) return false;
  if (shape.kind === 'sequence') return shape.steps.length > 0 && shape.steps.every(isEmptyList);
  if (shape.kind !== 'group' || !Array.isArray(shape.members)) return false;
  return shape.members.every((member: AnySignature) => member.shape.kind === 'group' && isEmptyList(member));
}

/** The app that sends a canvas. Throws {@link ConfigurationError} where none of its tasks says which one. */
export function senderOf(canvas: AnySignature): SignatureSender {
  const sender = canvas.sender ?? firstSender(canvas.links);
  if (sender) return sender;
  throw new ConfigurationError(
    'this canvas has no task in it, and so no app that could send it ' +
      '(for members from a generator, send their group itself, or put a task beside it)',
  );
}

/** The first sender among these. */
export function firstSender(signatures: Iterable<AnySignature>): SignatureSender | undefined {
  for (const { sender } of signatures) if (sender) return sender;
  return undefined;
}
