import type { CallOptions } from '../producer/call-options.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { AnySignature } from './signature.ts';

/** One plain call. */
export interface PlainCall<Options> {
  readonly task: string;
  readonly definition: TaskDefinition | undefined;
  readonly args: readonly unknown[];
  readonly options: Options;
}

/** A canvas that is no more than one call of one task, with these arguments before its own; undefined for any other. */
export function asCall<Options extends CallOptions>(
  { shape, options: own, links, errorLinks }: AnySignature,
  given: readonly unknown[],
  options: Options,
): PlainCall<Options> | undefined {
  if (shape.kind !== 'task' || shape.each || shape.gate || links.length > 0 || errorLinks.length > 0) return undefined;
  if (hasCallbacks(options)) return undefined;
  const { task, definition, immutable, args } = shape;
  return { task, definition, args: immutable ? args : [...given, ...args], options: { ...own, ...options } };
}

/** Whether call options name a link or an error callback. */
export function hasCallbacks(options: CallOptions | undefined): boolean {
  return options?.link !== undefined || options?.linkError !== undefined;
}
