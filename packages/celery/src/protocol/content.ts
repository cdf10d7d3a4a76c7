import { type JsonValue, MalformedMessageError } from '@lovage/core/driver';
import { type BigIntegers, parsePythonJson } from './python-json.ts';
import { mayHoldTags, untag } from './tagged-values.ts';

/** How bodies are read. */
export interface ContentOptions {
  readonly integers: BigIntegers;
}

const refused: Readonly<Record<string, string>> = {
  'application/x-python-serialize':
    'is pickled, and pickle is never decoded here since it runs code: send it with serializer="json"',
  'application/data': 'is signed (serializer "auth"), which this worker cannot check: send it with serializer="json"',
  'application/x-yaml': 'is YAML: send it with serializer="json"',
  'application/x-msgpack': 'is msgpack: send it with serializer="json"',
};

/** The value of a body. Throws {@link MalformedMessageError} for a content type that is not read, or a body that is not of its type. */
export function decodeContent(body: Buffer | string, contentType: string, { integers }: ContentOptions): JsonValue {
  if (contentType !== 'application/json') {
    const why = Object.hasOwn(refused, contentType) ? refused[contentType] : undefined;
    throw new MalformedMessageError(
      `its body ${why ?? `is of content type "${contentType}": send it with serializer="json"`}`,
    );
  }
  const text = typeof body === 'string' ? body : body.toString('utf8');
  try {
    const value = parsePythonJson(text, integers);
    return mayHoldTags(text) ? untag(value) : value;
  } catch (error) {
    throw new MalformedMessageError(`its body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
