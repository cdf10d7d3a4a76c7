import { usageError } from '../exit-code.ts';

/**
 * A task's arguments from the command line: one that is JSON (a number, true, false, null, an object, an array) is that
 * value, any other is text. `"007"`, `"1e999"` and numbers that a double cannot hold exactly stay text.
 */
export function parseArguments(texts: readonly string[]): readonly unknown[] {
  return texts.map((text) => {
    if (!/^\s*(?:[-\d[{]|true\s*$|false\s*$|null\s*$)/.test(text)) return text;
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === 'number' && !isExact(value, text.trim()) ? text : value;
    } catch {
      return text;
    }
  });
}

/** As {@link parseArguments}, where every argument must be JSON: the error says which one is not. */
export function parseJsonArguments(texts: readonly string[]): readonly unknown[] {
  return texts.map((text, index) => {
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const hint = /^[\w .,-]+$/.test(text) ? ` (text is written '"${text}"')` : '';
      throw usageError(`argument ${index + 1} is not JSON: ${text}${hint}: ${why}`);
    }
  });
}

/** An order number of twenty digits must not arrive as another one. */
function isExact(value: number, text: string): boolean {
  return Number.isFinite(value) && (!/^-?\d+$/.test(text) || Number.isSafeInteger(value));
}
