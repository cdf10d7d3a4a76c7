/** A parameter of a Python task. */
export interface PythonParameter {
  readonly name: string;
  /** As Python prints it; undefined where it is not annotated. */
  readonly type?: string | undefined;
  readonly kind: 'positional' | 'keyword' | 'rest';
  readonly optional: boolean;
}

/** A Python task as its stub needs it. */
export interface PythonTask {
  readonly name: string;
  /** undefined: nothing is known of them. */
  readonly parameters?: readonly PythonParameter[] | undefined;
  readonly returns?: string | undefined;
  /** The first line of its docstring. */
  readonly doc?: string | undefined;
}

/** A task as `inspect registered` tells of it with `__annotations__`: `proj.add [__annotations__={'x': <class 'int'>}]`. */
export function readRegistered(line: string): PythonTask {
  const { name = line, annotations = '' } =
    /^(?<name>\S+) \[__annotations__=\{(?<annotations>.*)\}\]$/.exec(line)?.groups ?? {};
  const types = splitTop(annotations).flatMap((entry) => {
    const [, key, type] = /^'(\w+)': (.*)$/.exec(entry) ?? [];
    return key === undefined || type === undefined ? [] : [{ name: key, type }];
  });
  if (types.length === 0) return { name };
  return {
    name,
    parameters: types
      .filter((one) => one.name !== 'return')
      .map((one) => ({ ...one, kind: 'positional', optional: false })),
    returns: types.find((one) => one.name === 'return')?.type,
  };
}

/** `'a': dict[str, int], 'b': int` at its outer commas. */
function splitTop(text: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const [token] of text.matchAll(/'[^']*'|"[^"]*"|./gs)) {
    if ('[({'.includes(token)) depth++;
    if ('])}'.includes(token)) depth--;
    if (token === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${token}`);
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
