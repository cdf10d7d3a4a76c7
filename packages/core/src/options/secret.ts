import { ConfigurationError } from '../errors.ts';

/** A zod schema, as far as its annotations go. */
interface Annotated {
  meta(): object | undefined;
  meta(annotations: object): unknown;
}

/**
 * The same schema (zod 4), marked so that no tool shows what it holds: the dashboard writes `[redacted]` in its place, in arguments and
 * results alike. It is JSON Schema's `writeOnly`; the value itself travels and is stored as before. Throws
 * {@link ConfigurationError} for a schema that cannot carry annotations.
 */
export function secret<S extends object>(schema: S): S {
  if (!('meta' in schema) || typeof schema.meta !== 'function')
    throw new ConfigurationError('secret(schema): expected a schema of zod 4, which has meta()');
  const annotated = schema as S & Annotated;
  return annotated.meta({ ...annotated.meta(), writeOnly: true }) as S; // zod's meta() gives the same type back
}
