/** One import or re-export of a source file. */
export interface ImportLine {
  readonly specifier: string;
  /** `import … from`, `export … from`, or `import('…')`, be it a value or a type. */
  readonly form: 'import' | 'export' | 'dynamic';
  readonly line: number;
}

/** A source file, read as far as the tests of the house's order need it. */
export interface SourceCode {
  readonly imports: readonly ImportLine[];
  /** The text without comments; strings, templates and patterns are emptied. */
  readonly code: string;
}

/** A name that a door gives out. */
export interface ExportedName {
  readonly name: string;
  readonly isType: boolean;
}

/**
 * What may hide a quote or an import from a reader of lines: comments, strings, templates, and regular expressions, which
 * begin where an operand is expected. Templates within templates pair their backticks well enough for import lines.
 */
const opaque =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:[=(,:[!&|?{};+*%~^<>-]|\breturn|^)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/g;

/** Reads the import lines of TypeScript as biome formats it: statements end with a semicolon. */
export function readSource(text: string): SourceCode {
  const strings: string[] = [];
  const marked = text.replace(opaque, (token) => mark(token, strings));
  const find = (form: ImportLine['form'], pattern: RegExp): ImportLine[] =>
    [...marked.matchAll(pattern)].map((match) => ({
      specifier: strings[Number(match[1])] ?? '',
      form,
      line: marked.slice(0, match.index).split('\n').length,
    }));
  const imports = [
    ...find('import', /\bimport\b[^;'"()=]*?"(\d+)"/g),
    ...find('export', /\bexport\b[^;'"()=]*?\bfrom\s*"(\d+)"/g),
    ...find('dynamic', /\bimport\s*\(\s*"(\d+)"/g),
  ];
  return { imports, code: marked.replace(/"\d+"/g, '""') };
}

/** Empties a token; a string leaves its number in `strings`, so that patterns can ask for it. */
function mark(token: string, strings: string[]): string {
  const lines = token.replace(/[^\n]/g, '');
  if (token.startsWith('//') || token.startsWith('/*')) return ` ${lines}`;
  if (token.startsWith('/')) return `0${lines}`;
  strings.push(token.slice(1, -1));
  return `"${strings.length - 1}"${lines}`;
}

const reExport = /\bexport\s+(type\s+)?\{([^}]*)\}\s*(?:from\s*"[^"]*"\s*)?;?/g;

/** True for a file that holds nothing but `export { … } from` and `export type { … } from`. */
export function onlyReExportsByName({ code }: SourceCode): boolean {
  return code.replace(reExport, '').trim() === '';
}

/** The names in the export lists of a door, sorted. */
export function exportedNames({ code }: SourceCode): readonly ExportedName[] {
  const names = [...code.matchAll(reExport)].flatMap(([, typeOnly, list = '']) =>
    list
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map((entry) => readName(entry, typeOnly !== undefined)),
  );
  return names.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `type Message`, `newTaskId`, `createApp as Lovage`. */
function readName(entry: string, typeOnly: boolean): ExportedName {
  const isType = typeOnly || /^type\s+(?!as\s)/.test(entry);
  return { name: entry.split(/\s+/).at(-1) ?? '', isType };
}
