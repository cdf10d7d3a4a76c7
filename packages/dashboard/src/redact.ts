/** What stands in the place of a secret. */
export const redacted = '[redacted]';

/** Parts of names whose values are not shown; of a name its letters and digits count, in lower case. */
const secretWords: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'authorization',
  'apikey',
  'privatekey',
  'accesskey',
  'cookie',
  'creditcard',
  'cardnumber',
  'cvv',
  'cvc',
  'iban',
  'ssn',
];

/** A JSON Schema, as far as it is read here. */
type JsonSchema = Readonly<Record<string, unknown>>;

/** Deeper values are left out: they could not be read by people either. */
const mostDepth = 40;

/** Hides values by the names of their fields and by schema (`writeOnly`, which `secret()` sets). */
export class Redactor {
  readonly #words: readonly string[];

  /** `keys`: names of fields that are secret besides the usual ones. */
  constructor(keys: readonly string[] = []) {
    this.#words = [...secretWords, ...keys.map(plain).filter((word) => word !== '')];
  }

  /** The value with `[redacted]` in the place of what is secret. */
  hide(value: unknown, schema?: unknown): unknown {
    return this.#hide(value, isObject(schema) ? schema : {}, 0);
  }

  #hide(value: unknown, schema: JsonSchema, depth: number): unknown {
    if (schema['writeOnly'] === true && value !== undefined) return redacted;
    if (depth > mostDepth) return '…';
    const variants = [schema, ...variantsOf(schema)];
    if (variants.some((one) => one['writeOnly'] === true)) return redacted;
    if (Array.isArray(value))
      return value.map((item, index) => this.#hide(item, join(variants.map((one) => itemOf(one, index))), depth + 1));
    if (!isObject(value)) return value;
    const fields = Object.entries(value).map(([name, field]) => [
      name,
      this.#isSecret(name) && field !== null && field !== undefined
        ? redacted
        : this.#hide(field, join(variants.map((one) => fieldOf(one, name))), depth + 1),
    ]);
    return Object.fromEntries(fields);
  }

  #isSecret(name: string): boolean {
    const word = plain(name);
    return this.#words.some((secret) => word.includes(secret));
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  return ['anyOf', 'oneOf', 'allOf'].flatMap((key) => {
    const list = schema[key];
    return Array.isArray(list) ? list.filter(isObject) : [];
  });
}

function itemOf(schema: JsonSchema, index: number): unknown {
  const { prefixItems, items } = schema;
  return (Array.isArray(prefixItems) ? prefixItems[index] : undefined) ?? items;
}

function fieldOf({ properties, additionalProperties }: JsonSchema, name: string): unknown {
  const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  return own ?? additionalProperties;
}

function join(schemas: readonly unknown[]): JsonSchema {
  const found = schemas.filter(isObject);
  return found.length <= 1 ? (found[0] ?? {}) : { anyOf: found };
}

/**
 * What a person edited, with the secrets put back that they did not touch: where `[redacted]` still stands and stood before, the
 * original goes. Throws a TypeError where it stands at a place that it did not stand at, so that no task is sent with it.
 */
export function restoreSecrets(edited: unknown, original: unknown, hidden: unknown): unknown {
  if (edited === redacted) {
    if (hidden === redacted) return original;
    if (original === redacted) return edited;
    throw new TypeError(`"${redacted}" stands where no secret was: give the value itself`);
  }
  if (Array.isArray(edited))
    return edited.map((item, index) => restoreSecrets(item, at(original, index), at(hidden, index)));
  if (!isObject(edited)) return edited;
  const fields = Object.entries(edited).map(([name, field]) => [
    name,
    restoreSecrets(field, at(original, name), at(hidden, name)),
  ]);
  return Object.fromEntries(fields);
}

function at(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
