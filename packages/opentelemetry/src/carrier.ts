import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api';

type Headers = Record<string, unknown>;

/** Writes W3C trace context into the headers of a message, where Celery's instrumentation looks for it too. */
export const setter: TextMapSetter<Headers> = {
  set(headers, key, value) {
    headers[key] = value;
  },
};

/** Reads it. */
export const getter: TextMapGetter<Readonly<Headers>> = {
  keys: (headers) => Object.keys(headers),
  get(headers, key) {
    const value = headers[key];
    return typeof value === 'string' ? value : undefined;
  },
};
