import type { JsonValue } from '@lovage/core/driver';

/** How whole numbers beyond 2^53 are read: rounded, as JavaScript does, or as a bigint. */
export type BigIntegers = 'number' | 'bigint';

/** What `json.dumps` writes and `JSON.parse` refuses. */
const bare: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
const longNumber = /\d{16}/;
/** Deeper than Lovage takes, and far from the end of the stack. */
const deepest = 200;

/**
 * JSON as Python's `json` writes it: also with bare NaN, Infinity and -Infinity, which become numbers, and big integers.
 * Throws SyntaxError for what is no JSON.
 */
export function parsePythonJson(text: string, integers: BigIntegers = 'number'): JsonValue {
  if (integers === 'bigint' && longNumber.test(text)) return new PythonJsonReader(text, integers).read();
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return new PythonJsonReader(text, integers).read();
  }
}

/** The slow way, taken only where `JSON.parse` cannot serve. */
class PythonJsonReader {
  readonly #text: string;
  readonly #integers: BigIntegers;
  readonly #token = /\s*("|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:])/y;

  constructor(text: string, integers: BigIntegers) {
    this.#text = text;
    this.#integers = integers;
  }

  read(): JsonValue {
    const value = this.#value(this.#next(), 0);
    if (this.#text.slice(this.#token.lastIndex).trim() !== '') throw this.#wrong();
    return value;
  }

  #value(token: string, depth: number): JsonValue {
    if (depth > deepest) throw new SyntaxError(`JSON is nested deeper than ${deepest} levels`);
    if (token === '[') return this.#list(depth);
    if (token === '{') return this.#object(depth);
    const special = bare[token];
    if (special !== undefined) return special;
    if (/^[\]},:]$/.test(token)) throw this.#wrong();
    // a bigint is no JsonValue; whoever asked for bigints takes them
    if (this.#integers === 'bigint' && /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)))
      return BigInt(token) as unknown as JsonValue;
    return JSON.parse(token) as JsonValue;
  }

  #list(depth: number): JsonValue {
    const items: JsonValue[] = [];
    for (let token = this.#next(); token !== ']'; token = this.#next()) {
      items.push(this.#value(token, depth + 1));
      const after = this.#next();
      if (after === ']') break;
      if (after !== ',') throw this.#wrong();
    }
    return items;
  }

  #object(depth: number): JsonValue {
    const entries: [string, JsonValue][] = [];
    for (let token = this.#next(); token !== '}'; token = this.#next()) {
      if (!token.startsWith('"') || this.#next() !== ':') throw this.#wrong();
      entries.push([JSON.parse(token) as string, this.#value(this.#next(), depth + 1)]);
      const after = this.#next();
      if (after === '}') break;
      if (after !== ',') throw this.#wrong();
    }
    return Object.fromEntries(entries); // defines `__proto__` as a field, as JSON.parse does
  }

  #next(): string {
    const found = this.#token.exec(this.#text);
    if (!found) throw this.#wrong();
    const token = found[1] as string;
    return token === '"' ? this.#string() : token;
  }

  /** A text with its quotes. By hand: a regular expression that repeats a choice fails by the stack from some million characters on. */
  #string(): string {
    const start = this.#token.lastIndex - 1;
    let end = start + 1;
    for (; this.#text[end] !== '"'; end += this.#text[end] === '\\' ? 2 : 1)
      if (end >= this.#text.length) throw this.#wrong();
    this.#token.lastIndex = end + 1;
    return this.#text.slice(start, end + 1);
  }

  #wrong(): SyntaxError {
    return new SyntaxError(`not JSON near position ${this.#token.lastIndex}`);
  }
}
