/** Python's types that have one in TypeScript. Dates, UUIDs, Decimals and bytes arrive as text. */
const plain: Readonly<Record<string, string>> = {
  ...of('number', 'int', 'float'),
  ...of('string', 'str', 'datetime', 'date', 'time', 'Decimal', 'UUID', 'bytes', 'AnyStr', 'EmailStr'),
  ...of('null', 'None', 'NoneType'),
  ...of('boolean', 'bool'),
};

const lists = new Set(
  'list List Sequence MutableSequence Iterable Iterator Collection set Set frozenset FrozenSet AbstractSet deque'.split(
    ' ',
  ),
);
const records = new Set('dict Dict Mapping MutableMapping defaultdict OrderedDict'.split(' '));

function of(type: string, ...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, type]));
}

/**
 * A type as Python prints it (`int`, `<class 'int'>`, `typing.Optional[list[str]]`, `'int'` where annotations are text), in TypeScript.
 * What has no counterpart is `unknown`.
 */
export function toTypeScript(python: string): string {
  const text = python.replaceAll(/<class '([^']*)'>/g, '$1').trim();
  try {
    const parser = new Parser(text.match(tokens) ?? []);
    const type = parser.union();
    return parser.isAtEnd ? type : 'unknown';
  } catch {
    return 'unknown';
  }
}

const tokens = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\.\.\.|[\w.]+|[^\s\w]/g;

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(all: readonly string[]) {
    this.#tokens = all;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  union(): string {
    const parts = [this.#one()];
    while (this.#take('|')) parts.push(this.#one());
    return unionOf(parts);
  }

  #one(): string {
    const token = this.#tokens[this.#at++] ?? '';
    if (/^['"]/.test(token)) return toTypeScript(token.slice(1, -1)); // an annotation that is text
    if (!/^[A-Za-z_]/.test(token)) throw new SyntaxError(token);
    const name = token.split('.').at(-1) as string;
    if (name === 'Literal') return this.#literals();
    const parts = this.#take('[') ? this.#arguments() : [];
    return Object.hasOwn(plain, name) ? (plain[name] as string) : generic(name, parts);
  }

  #arguments(): readonly string[] {
    const parts: string[] = [];
    while (!this.#take(']')) {
      parts.push(this.#take('...') ? '...' : this.union());
      if (!this.#take(',') && this.#tokens[this.#at] !== ']') throw new SyntaxError(this.#tokens[this.#at]);
    }
    return parts;
  }

  #literals(): string {
    const values: string[] = [];
    if (!this.#take('[')) return 'unknown';
    while (!this.#take(']')) {
      const token = this.#tokens[this.#at++] ?? '';
      if (token !== ',') values.push(literal(token));
    }
    return unionOf(values);
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }
}

function generic(name: string, parts: readonly string[]): string {
  const [first = 'unknown', second = 'unknown'] = parts;
  if (name === 'Optional') return unionOf([first, 'null']);
  if (name === 'Union') return unionOf(parts);
  if (name === 'Annotated') return first;
  if (lists.has(name)) return listOf(first);
  if (records.has(name)) return `Record<string, ${second}>`;
  if (name !== 'tuple' && name !== 'Tuple') return 'unknown';
  if (parts.length === 0) return 'unknown[]';
  return parts[1] === '...' ? listOf(first) : `[${parts.join(', ')}]`;
}

const listOf = (item: string): string => (item.includes(' ') ? `(${item})[]` : `${item}[]`);

function unionOf(parts: readonly string[]): string {
  return parts.includes('unknown') || parts.length === 0 ? 'unknown' : [...new Set(parts)].join(' | ');
}

function literal(token: string): string {
  if (token === 'True' || token === 'False') return token.toLowerCase();
  if (token === 'None') return 'null';
  if (/^['"]/.test(token)) return JSON.stringify(token.slice(1, -1).replaceAll(/\\(['"\\])/g, '$1'));
  if (/^-?\d/.test(token)) return token;
  throw new SyntaxError(token);
}
