import type { ValidationIssue } from '../errors.ts';

/**
 * Any Standard Schema (standardschema.dev, version 1): zod, valibot, arktype and others.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes, and what crosses the wire. */
export type SchemaInput<S extends Schema> = NonNullable<S['~standard']['types']>['input'];
/** What a schema yields, and what a handler sees. */
export type SchemaOutput<S extends Schema> = NonNullable<S['~standard']['types']>['output'];

/** A value, or a promise of one: asynchronous schemas are the rare case that nobody else should pay for. */
export type MaybePromise<T> = T | Promise<T>;

/** The verdict of a schema. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly ValidationIssue[] };

/** The two directions of a schema: to wire JSON, and from it. */
export interface SchemaCodec {
  /** What it was made of. */
  readonly schema?: Schema;
  encode(value: unknown): MaybePromise<Checked>;
  decode(value: unknown): MaybePromise<Checked>;
  /** One part of a tuple encoded by itself, or as given where it cannot be; for arguments that come before the others. */
  encodePart?(index: number, value: unknown): unknown;
}

/** zod 4's own directions: `z.codec` makes a Date cross as text and arrive as a Date. */
interface ZodLike extends Schema {
  safeEncode(value: unknown): ZodResult;
  safeEncodeAsync(value: unknown): Promise<ZodResult>;
}
type ZodResult = { success: true; data: unknown } | { success: false; error: { issues: readonly StandardIssue[] } };

const isZod = (schema: Schema): schema is ZodLike => 'safeEncode' in schema && typeof schema.safeEncode === 'function';

/** The codec of a schema. Other vendors' schemas have one direction: the value is sent as given, when it passes. */
export function createSchemaCodec(schema: Schema): SchemaCodec {
  const decode = (value: unknown): MaybePromise<Checked> => {
    const result = schema['~standard'].validate(value);
    return result instanceof Promise ? result.then(fromStandard) : fromStandard(result);
  };
  const encodeAsGiven = (value: unknown): MaybePromise<Checked> => {
    return chain(decode(value), (verdict) => (verdict.ok ? { ok: true, value } : verdict));
  };
  if (!isZod(schema)) return { schema, encode: encodeAsGiven, decode };
  const { items } = (schema as { def?: { items?: readonly Schema[] } }).def ?? {};
  return {
    schema,
    encode: (value) => encodeByZod(schema, value, encodeAsGiven),
    decode,
    encodePart: (index, value) => (items?.[index] ? encodePart(items[index], value) : value),
  };
}

/**
 * Takes the value as what the handler will see (the schema's output) and encodes it; failing that, as what the schema
 * takes (a default left out, the input of a one-way transform), which is sent as given; failing that, each part by
 * itself (a Date beside a default left out). Whatever is sent passes the schema as a whole.
 */
function encodeByZod(
  schema: ZodLike,
  value: unknown,
  encodeAsGiven: (value: unknown) => MaybePromise<Checked>,
): MaybePromise<Checked> {
  const settle = (result: ZodResult): MaybePromise<Checked> => {
    if (result.success) return { ok: true, value: result.data };
    const issues = result.error.issues.map(toIssue);
    return chain(encodeAsGiven(value), (given) => {
      if (given.ok) return given;
      const byParts = encodeParts(schema, value);
      if (byParts === value) return { ok: false, issues };
      return chain(encodeAsGiven(byParts), (checked): Checked => (checked.ok ? checked : { ok: false, issues }));
    });
  };
  try {
    return settle(schema.safeEncode(value));
  } catch (error) {
    if (isAsyncError(error)) return schema.safeEncodeAsync(value).then(settle);
    return encodeAsGiven(value); // a one-way transform cannot be encoded (ZodEncodeError)
  }
}

function chain(
  checked: MaybePromise<Checked>,
  next: (checked: Checked) => MaybePromise<Checked>,
): MaybePromise<Checked> {
  return checked instanceof Promise ? checked.then(next) : next(checked);
}

/** Each part of a tuple or object encoded where it can be, and as given where not; the value itself where nothing changed. */
function encodeParts(schema: Schema, value: unknown): unknown {
  const { items, shape } =
    (schema as { def?: { items?: readonly Schema[]; shape?: Record<string, Schema> } }).def ?? {};
  if (Array.isArray(items) && Array.isArray(value)) {
    return value.map((item, index) => (items[index] ? encodePart(items[index] as Schema, item) : item));
  }
  if (shape && typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, shape[key] ? encodePart(shape[key] as Schema, item) : item]),
    );
  }
  return value;
}

function encodePart(schema: Schema, value: unknown): unknown {
  if (!isZod(schema)) return value;
  try {
    const result = schema.safeEncode(value);
    if (result.success) return result.data;
  } catch {
    return value; // one-way or asynchronous: as given
  }
  return encodeParts(schema, value);
}

const isAsyncError = (error: unknown): boolean =>
  error instanceof Error && (error.name.includes('Async') || error.constructor.name.includes('Async'));

function fromStandard(result: StandardResult<unknown>): Checked {
  return result.issues ? { ok: false, issues: result.issues.map(toIssue) } : { ok: true, value: result.value };
}

function toIssue(issue: StandardIssue): ValidationIssue {
  const parts = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  return { path: formatPath(parts), message: issue.message };
}

/** `[0].items[2].price` */
export function formatPath(parts: readonly PropertyKey[]): string {
  return parts
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
