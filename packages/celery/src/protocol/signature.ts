import type { JsonValue } from '@lovage/core/driver';
import { z } from 'zod';
import { type Fields, fields, isFields, json } from './json-schema.ts';

/** What a signature of Celery is: a task, or one of its canvases. */
export type SubtaskType = 'chain' | 'group' | 'chord' | 'map' | 'starmap' | 'xmap' | 'xstarmap' | 'chunks' | null;

/** A signature as Celery writes it into messages. */
export interface CelerySignature {
  readonly task: string;
  readonly args: readonly JsonValue[];
  readonly kwargs: Fields;
  readonly options: Fields;
  readonly subtask_type: string | null;
  readonly immutable: boolean;
}

const schema = z.looseObject({
  task: z.string().min(1),
  args: z.array(json).nullish(),
  kwargs: fields.nullish(),
  options: fields.nullish(),
  subtask_type: z.string().nullish(),
  immutable: z.boolean().nullish(),
});

/** A signature from the wire; undefined for what is none. */
export function parseSignature(input: JsonValue | undefined): CelerySignature | undefined {
  const parsed = schema.safeParse(input);
  if (!parsed.success) return undefined;
  const { task, args, kwargs, options, subtask_type: type, immutable } = parsed.data;
  return {
    task,
    args: args ?? [],
    kwargs: kwargs ?? {},
    options: options ?? {},
    subtask_type: type ?? null,
    immutable: immutable ?? false,
  };
}

/** The signatures of a field that holds one, a list of them, or none; what is none is left out. */
export function signaturesIn(value: JsonValue | undefined): readonly CelerySignature[] {
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : isFields(value) ? [value] : [];
  return list.map(parseSignature).filter((signature) => signature !== undefined);
}

/** The same signature with other options over its own. */
export function withOptions(signature: CelerySignature, options: Fields): CelerySignature {
  return { ...signature, options: { ...signature.options, ...options } };
}

/** A signature as the JSON that it is. */
export function signatureToJson(signature: CelerySignature): Fields {
  return { ...signature };
}

/** A text option, where it says something. */
export function textOption({ options }: CelerySignature, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
