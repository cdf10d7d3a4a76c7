import { encodeTail } from '../message/payload-codec.ts';
import type { TaskDefinition } from '../task/task.ts';
import { partsToJson, pipe } from './chain.ts';
import { noParts, Signature, type SignatureParts, type SignatureSender, type SignatureShape } from './signature.ts';
import type { SignatureData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** What a task's signature is made of. */
export interface TaskSignatureData {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly immutable?: boolean;
  readonly each?: boolean;
}

const unlimited = { bytes: Number.POSITIVE_INFINITY, option: '' };

/** One call of one task. */
export class TaskSignature<In extends readonly unknown[] = readonly unknown[], Out = unknown> extends Signature<
  In,
  Out
> {
  readonly task: string;
  readonly args: readonly unknown[];
  /** An immutable signature takes no further arguments: what a chain pipes into it is dropped. */
  readonly immutable: boolean;
  /** The arguments are a list of argument lists: one task runs the handler for each. */
  readonly each: boolean;
  readonly sender: SignatureSender;
  readonly #definition: TaskDefinition | undefined;

  /** @internal Made by `task.s()`. `definition` where the app's registry may not have it: a stub. */
  constructor(
    data: TaskSignatureData,
    sender: SignatureSender,
    definition?: TaskDefinition,
    parts: SignatureParts = noParts,
  ) {
    super(parts);
    this.task = data.task;
    this.args = Object.freeze([...data.args]);
    this.immutable = data.immutable ?? false;
    this.each = data.each ?? false;
    this.sender = sender;
    this.#definition = definition;
  }

  get shape(): SignatureShape {
    const { task, args, immutable, each } = this;
    return { kind: 'task', task, args, immutable, each, definition: this.#definition };
  }

  pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<In, NextOut> {
    return pipe(this, next);
  }

  /** Throws {@link PayloadNotSerializableError} for arguments that JSON would change, where no schema turns them into JSON. */
  toJSON(): SignatureData {
    const { task, immutable, each } = this;
    const args = this.#definition?.payload.args ? this.args : encodeTail({ name: task }, this.args, 0, unlimited);
    return { task, args, options: {}, immutable, ...(each ? { each } : {}), ...partsToJson(this) };
  }

  protected copy(parts: SignatureParts): this {
    return new TaskSignature(this, this.sender, this.#definition, parts) as this;
  }
}
