import type { toJSONSchema } from 'zod';
import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { JsonValue } from '../message/json.ts';
import type { SchemaCodec } from '../options/schema.ts';
import type { Handler, TaskDefinition } from '../task/task.ts';

/** A task for people and forms. */
export interface DescribedTask {
  readonly name: string;
  /** Whether this app has a handler, or only a stub. */
  readonly runsHere: boolean;
  /** `charge(order: { amount: number }) → string`, as far as schemas and handler tell. */
  readonly signature: string;
  /** JSON Schema (draft 2020-12) of the list of arguments; absent without a zod schema that has one. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** JSON Schema of the result; absent without a zod schema that has one. */
  readonly returns?: Readonly<Record<string, unknown>>;
  /** Arguments that fit the schema, or one of each parameter: to be edited. */
  readonly example: readonly JsonValue[];
}

/** The tasks of an app with their signatures, by name. */
export async function describeTasks(app: Lovage): Promise<readonly DescribedTask[]> {
  const { registry } = runtimeOf(app);
  const zod = await import('zod'); // 50 ms nobody else should pay
  return registry.names().flatMap((name) => {
    const definition = registry.get(name);
    return definition ? describe(definition, zod.toJSONSchema) : [];
  });
}

function describe({ name, payload, handler, options }: TaskDefinition, convert: typeof toJSONSchema): DescribedTask {
  const args = jsonSchemaOf(payload.args, convert);
  const returns = jsonSchemaOf(payload.returns, convert);
  const names = parametersOf(handler, options.bind === true);
  const parameters = args ? typedParameters(args, names) : (names ?? ['…args']);
  const result = returns ? ` → ${typeText(returns)}` : '';
  return {
    name,
    runsHere: handler !== undefined,
    signature: `${name}(${parameters.join(', ')})${result}`,
    ...(args ? { args } : {}),
    ...(returns ? { returns } : {}),
    example: args
      ? exampleArgs(args)
      : (names ?? []).filter((parameter) => !/[=?]|^\.\.\./.test(parameter)).map(() => 1),
  };
}

type JsonSchema = Readonly<Record<string, unknown>>;

function jsonSchemaOf(codec: SchemaCodec | undefined, convert: typeof toJSONSchema): JsonSchema | undefined {
  const schema = codec?.schema;
  if (schema === undefined || !('_zod' in schema)) return undefined;
  try {
    return convert(schema as never, { unrepresentable: 'any', io: 'input' }) as JsonSchema; // checked to be zod's
  } catch {
    return undefined; // a schema that JSON has no word for
  }
}

/** The names of a handler's parameters as its source has them; undefined where they cannot be told. */
function parametersOf(handler: Handler | undefined, bind: boolean): readonly string[] | undefined {
  if (handler === undefined) return undefined;
  const source = Function.prototype.toString.call(handler);
  const single = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(source)?.[1];
  const names = single === undefined ? split(inParentheses(source)) : [single];
  return names?.slice(bind ? 1 : 0).map((name) => (/^[{[]/.test(name) ? 'value' : name.replaceAll(/\s+/g, ' ')));
}

function inParentheses(source: string): string | undefined {
  const start = source.indexOf('(');
  let depth = 0;
  for (let at = start; at >= 0 && at < source.length; at += 1) {
    if ('([{'.includes(source[at] as string)) depth += 1;
    if (')]}'.includes(source[at] as string)) depth -= 1;
    if (depth === 0) return source.slice(start + 1, at);
  }
  return undefined;
}

function split(list: string | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined;
  const parts: string[] = [''];
  let depth = 0;
  for (const character of list) {
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function typedParameters(args: JsonSchema, names: readonly string[] | undefined): readonly string[] {
  const items = (args['prefixItems'] ?? []) as readonly JsonSchema[];
  const required = Number(args['minItems'] ?? items.length);
  const typed = items.map((item, index) => {
    const given = names?.[index]?.replace(/\s*=.*$/s, '');
    const name = given === undefined || given.startsWith('...') ? `arg${index + 1}` : given;
    return `${name}${index < required ? '' : '?'}: ${typeText(item)}`;
  });
  return typeof args['items'] === 'object' ? [...typed, `...rest: ${typeText(args['items'] as JsonSchema)}[]`] : typed;
}

/** A JSON Schema as TypeScript would say it, three levels deep. */
function typeText(schema: JsonSchema, depth = 0): string {
  const { type, anyOf, properties } = schema;
  const literals = literalsOf(schema);
  if (literals) return literals.map((value) => JSON.stringify(value)).join(' | ');
  if (Array.isArray(anyOf)) return (anyOf as readonly JsonSchema[]).map((one) => typeText(one, depth)).join(' | ');
  if (type === 'integer') return 'number';
  if (type === 'array') return arrayText(schema, depth);
  if (type === 'object') return depth > 2 || properties === undefined ? 'object' : objectText(schema, depth);
  return typeof type === 'string' ? type : 'unknown';
}

function literalsOf({ const: literal, enum: choices }: JsonSchema): readonly unknown[] | undefined {
  if (literal !== undefined) return [literal];
  return Array.isArray(choices) ? choices : undefined;
}

function arrayText({ items }: JsonSchema, depth: number): string {
  if (typeof items !== 'object' || items === null) return 'unknown[]';
  const text = typeText(items as JsonSchema, depth + 1);
  return text.includes(' ') ? `(${text})[]` : `${text}[]`;
}

function objectText({ properties, required }: JsonSchema, depth: number): string {
  const needed = new Set(required as readonly string[] | undefined);
  const fields = Object.entries(properties as Record<string, JsonSchema>).map(
    ([name, schema]) => `${name}${needed.has(name) ? '' : '?'}: ${typeText(schema, depth + 1)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join('; ')} }`;
}

function exampleArgs(args: JsonSchema): readonly JsonValue[] {
  const items = (args['prefixItems'] ?? []) as readonly JsonSchema[];
  return items.slice(0, Number(args['minItems'] ?? items.length)).map((item) => exampleOf(item));
}

const texts: Readonly<Record<string, string>> = {
  email: 'a@example.com',
  uri: 'https://example.com',
  uuid: '0198c2b0-7d1e-7c3a-9a51-0f3c2b1a9d44',
  'date-time': '2027-01-01T00:00:00Z',
  date: '2027-01-01',
};

function exampleOf(schema: JsonSchema, depth = 0): JsonValue {
  const { type, anyOf } = schema;
  const [literal] = [schema['default'], ...(literalsOf(schema) ?? [])].filter((value) => value !== undefined);
  if (literal !== undefined) return literal as JsonValue;
  if (Array.isArray(anyOf)) return exampleOf(anyOf[0] as JsonSchema, depth);
  return depth > 3 ? null : (examples[String(type)]?.(schema, depth) ?? null);
}

const exampleNumber = ({ minimum, exclusiveMinimum }: JsonSchema): number =>
  Math.max(1, Number(minimum ?? 1), Math.floor(Number(exclusiveMinimum ?? 0)) + 1);

const examples: Readonly<Record<string, (schema: JsonSchema, depth: number) => JsonValue>> = {
  string: ({ format }) => texts[String(format)] ?? 'text',
  number: exampleNumber,
  integer: exampleNumber,
  boolean: () => true,
  array: ({ items }, depth) => (typeof items === 'object' ? [exampleOf(items as JsonSchema, depth + 1)] : []),
  object: ({ properties, required }, depth) => {
    const needed = new Set(required as readonly string[] | undefined);
    const fields = Object.entries((properties ?? {}) as Record<string, JsonSchema>).filter(([name]) =>
      needed.has(name),
    );
    return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(field, depth + 1)]));
  },
};
