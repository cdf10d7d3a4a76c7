import type { Schema, SchemaInput, SchemaOutput } from '../options/schema.ts';

/** A schema of an argument tuple. */
export type ArgsSchema = Schema<readonly unknown[] | unknown[], readonly unknown[] | unknown[]>;

/** A schema of a return value, or none. */
export type ReturnsSchema = Schema | undefined;

type Tuple<T> = T extends readonly unknown[] ? [...T] : never;

/** What the handler gets: the schema's output. */
export type HandlerArgs<S extends ArgsSchema> = Tuple<SchemaOutput<S>>;

/** What a caller may pass: what the handler gets, or what the schema takes (defaults left out, a codec's text). */
export type CallArgs<S extends ArgsSchema> = Tuple<SchemaOutput<S>> | Tuple<SchemaInput<S>>;

/** What the handler may return: the schema's output or input; anything without a schema. */
export type ReturnAllowed<R extends ReturnsSchema> = R extends Schema ? SchemaOutput<R> | SchemaInput<R> : unknown;

/** What `get()` yields: the schema's output, else what the handler returned. */
export type ResultOf<R extends ReturnsSchema, V> = R extends Schema ? SchemaOutput<R> : V;
