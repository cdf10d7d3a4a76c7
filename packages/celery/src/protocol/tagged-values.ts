import { ConfigurationError, type JsonValue } from '@lovage/core/driver';

/** The kinds of value that Celery 5.3 and newer write as `{ __type__, __value__ }`. */
export type TaggedKind = 'datetime' | 'date' | 'time' | 'decimal' | 'uuid' | 'bytes' | 'base64';

/** A value of Python that JSON has no form for, as Celery 5.3 and newer write it. */
export interface TaggedValue {
  readonly __type__: TaggedKind;
  readonly __value__: string | { readonly hex: string };
}

const isoMoment = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d(:?\d\d)?)?$/;
const hex32 = /^[0-9a-f]{32}$/i;
const text = (value: unknown): value is string => typeof value === 'string';

/** What each kind's value must look like, so that Python can read it. */
const valid: Readonly<Record<TaggedKind, (value: unknown) => boolean>> = {
  datetime: (value) => text(value) && isoMoment.test(value),
  date: (value) => text(value) && /^\d{4}-\d\d-\d\d$/.test(value),
  time: (value) => text(value) && /^\d\d:\d\d(:\d\d(\.\d{1,6})?)?/.test(value),
  decimal: (value) => text(value) && /^-?(\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?$|^-?Infinity$|^NaN$/i.test(value),
  uuid: (value) => hex32.test(String((value as { hex?: unknown } | null)?.hex)),
  bytes: text,
  base64: (value) => text(value) && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
};

/** Whether this JSON text may hold tagged values: most holds none, and is not walked. */
export function mayHoldTags(json: string): boolean {
  return json.includes('"__type__"');
}

/**
 * Tagged values as plain text, which every schema can take: a datetime, date or time as ISO 8601, a Decimal as its digits, a UUID
 * with dashes, bytes as base64. Anything else stays as it is.
 */
export function untag(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untag);
  const tagged = asTagged(value);
  if (tagged) return textOf(tagged);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untag(item)]));
}

function asTagged(value: object): TaggedValue | undefined {
  const keys = Object.keys(value);
  if (keys.length !== 2 || !('__type__' in value) || !('__value__' in value)) return undefined;
  const check = Object.hasOwn(valid, String(value.__type__)) ? valid[value.__type__ as TaggedKind] : undefined;
  return check?.(value.__value__) ? (value as TaggedValue) : undefined;
}

function textOf({ __type__: kind, __value__: value }: TaggedValue): string {
  if (typeof value === 'object')
    return value.hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return kind === 'bytes' ? Buffer.from(value).toString('base64') : value;
}

/**
 * Throws {@link ConfigurationError} for an object of exactly `__type__` and `__value__` that Python could not read: Celery takes
 * every such object for a value of its own, and drops the message.
 */
export function assertTags(value: JsonValue, where: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) assertTags(item, where);
    return;
  }
  const keys = Object.keys(value);
  if (keys.length === 2 && '__type__' in value && '__value__' in value && !asTagged(value)) {
    throw new ConfigurationError(
      `${where}: an object of __type__ ${JSON.stringify((value as { readonly __type__: JsonValue }).__type__)} and __value__ is a value of Python's to Celery, and it cannot read this one: use ${Object.keys(valid).join(', ')} with a value of that kind, or other names`,
    );
  }
  for (const item of Object.values(value)) assertTags(item, where);
}
