import type { CallOptions } from '../producer/call-options.ts';
import type { AsyncResult, GetOptions } from '../results/async-result.ts';

/** A signature as JSON: what `JSON.stringify(signature)` gives and `app.signature()` takes back. */
export interface SignatureData {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly options: CallOptions;
  readonly immutable: boolean;
}

/** Sends signatures; the app. */
export interface SignatureSender {
  apply(data: SignatureData, options: CallOptions): Promise<AsyncResult>;
  call(data: SignatureData, options: CallOptions & GetOptions): Promise<unknown>;
}

/** A tuple without its last `Tail` elements; an open-ended list stays as it is. */
export type WithoutTail<
  Params extends readonly unknown[],
  Tail extends readonly unknown[],
> = number extends Params['length']
  ? Params
  : Tail extends readonly []
    ? Params
    : Required<Params> extends readonly [...infer Head, unknown]
      ? Tail extends readonly [unknown, ...infer Rest]
        ? WithoutTail<Head, Rest>
        : []
      : [];

/** The argument lists that may end a call: all of the parameters, all but the first, … none. */
export type TailOf<Params extends readonly unknown[]> = number extends Params['length']
  ? readonly unknown[]
  : Params extends readonly []
    ? readonly []
    : Readonly<Params> | (Params extends readonly [unknown?, ...infer Rest] ? TailOf<Rest> : never);

/**
 * A call that has not been sent: task name, arguments, options. Immutable; `In` are the arguments still open (they come
 * before the ones already given), `Out` is what the task yields.
 */
export class Signature<In extends readonly unknown[] = readonly unknown[], Out = unknown> {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly options: CallOptions;
  /** An immutable signature takes no further arguments: what a chain pipes into it is dropped. */
  readonly immutable: boolean;
  readonly #sender: SignatureSender;

  constructor(data: SignatureData, sender: SignatureSender) {
    this.task = data.task;
    this.args = Object.freeze([...data.args]);
    this.options = Object.freeze({ ...data.options });
    this.immutable = data.immutable;
    this.#sender = sender;
  }

  /** Sends it, with these arguments before its own. */
  delay(...args: In): Promise<AsyncResult<Out>> {
    return this.applyAsync(args);
  }

  /** As {@link Signature.delay}, with call options that win over the signature's. */
  applyAsync(args: In, options: CallOptions = {}): Promise<AsyncResult<Out>> {
    return this.#sender.apply(this.#with(args), { ...this.options, ...options }) as Promise<AsyncResult<Out>>;
  }

  /** Sends it and awaits the value. */
  call(args: In, options: CallOptions & GetOptions = {}): Promise<Out> {
    return this.#sender.call(this.#with(args), { ...this.options, ...options }) as Promise<Out>;
  }

  /** A copy with these options over its own. */
  set(options: CallOptions): Signature<In, Out> {
    return new Signature({ ...this.toJSON(), options: { ...this.options, ...options } }, this.#sender);
  }

  /** A copy that equals this one. */
  clone(): Signature<In, Out> {
    return new Signature(this.toJSON(), this.#sender);
  }

  toJSON(): SignatureData {
    return { task: this.task, args: this.args, options: this.options, immutable: this.immutable };
  }

  #with(args: readonly unknown[]): SignatureData {
    return this.immutable ? this.toJSON() : { ...this.toJSON(), args: [...args, ...this.args] };
  }
}
