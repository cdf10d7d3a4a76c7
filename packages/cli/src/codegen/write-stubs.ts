import type { PythonParameter, PythonTask } from './python-task.ts';
import { toTypeScript } from './python-type.ts';

/** A TypeScript module with a typed stub of each task, in the order of their names. */
export function writeStubs(tasks: readonly PythonTask[], source: string): string {
  const sorted = [...tasks].sort((a, b) => (a.name < b.name ? -1 : 1));
  const keys = keysOf(sorted.map(({ name }) => name));
  const stubs = sorted.flatMap((task, index) => ['', ...stubOf(task, keys[index] as string)]);
  return [
    `// Written by \`lovage celery codegen\` from ${source}: run it again in place of editing this file.`,
    "import type { Lovage, Task } from 'lovage';",
    '',
    '/** The tasks that Python workers run. */',
    'export interface PythonTasks {',
    ...stubs.slice(1),
    '}',
    '',
    '/** Typed stubs of the tasks that Python workers run. */',
    'export function pythonTasks(app: Lovage): PythonTasks {',
    '  return {',
    ...sorted.map(({ name }, index) => `    ${keys[index]}: app.remote(${JSON.stringify(name)}),`),
    '  };',
    '}',
    '',
  ].join('\n');
}

function stubOf({ name, doc, parameters, returns }: PythonTask, key: string): readonly string[] {
  const about = [`\`${name}\``, ...(doc ? [doc.replace(/\.$/, '').replaceAll('*/', '*\\/')] : [])].join(': ');
  const keywords = parameters?.filter(({ kind }) => kind === 'keyword') ?? [];
  const result = returns === undefined ? 'unknown' : toTypeScript(returns);
  const args = parameters === undefined ? '[...args: unknown[]]' : `[${parametersOf(parameters)}]`;
  return [`  /** ${about}${keywordsOf(keywords)} */`, `  readonly ${key}: Task<${args}, ${result}>;`];
}

function parametersOf(parameters: readonly PythonParameter[]): string {
  return parameters
    .filter(({ kind }) => kind !== 'keyword')
    .map(({ name, kind, type, optional }) => {
      const mapped = type === undefined ? 'unknown' : toTypeScript(type);
      if (kind === 'rest') return `...${name}: ${mapped.includes(' ') ? `(${mapped})` : mapped}[]`;
      return `${name}${optional ? '?' : ''}: ${mapped}`;
    })
    .join(', ');
}

function keywordsOf(keywords: readonly PythonParameter[]): string {
  if (keywords.length === 0) return '';
  const list = keywords.map(
    ({ name, type, optional }) =>
      `${name}${optional ? '?' : ''}: ${type === undefined ? 'unknown' : toTypeScript(type)}`,
  );
  return `. Keyword arguments, to be sent as \`kwargs\`: { ${list.join('; ')} }`;
}

/** The last part of a name; of several with the same last part, all of it: `projTasksAdd`. */
function keysOf(names: readonly string[]): readonly string[] {
  const short = names.map((name) => name.split('.').at(-1) as string);
  return names.map((name, index) => {
    const isUnique = short.filter((one) => one === short[index]).length === 1;
    return toIdentifier(isUnique ? [short[index] as string] : name.split('.'));
  });
}

function toIdentifier(parts: readonly string[]): string {
  const words = parts.flatMap((part) => part.split(/[^A-Za-z0-9$]+/)).filter((word) => word !== '');
  const name = words.map((word, index) => (index === 0 ? word : word[0]?.toUpperCase() + word.slice(1))).join('');
  return /^[A-Za-z_$]/.test(name) ? name : `_${name}`;
}
