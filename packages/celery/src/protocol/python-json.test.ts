import { expect, it } from 'vitest';
import { parsePythonJson } from './python-json.ts';

it('reads what Python writes beside JSON, with texts of any length', () => {
  const long = 'a'.repeat(16 * 2 ** 20);
  expect(parsePythonJson(`[NaN, "a\\"b", {"\\\\": -Infinity}]`)).toEqual([
    Number.NaN,
    'a"b',
    { '\\': Number.NEGATIVE_INFINITY },
  ]);
  expect(parsePythonJson(`[NaN, "${long}"]`)).toEqual([Number.NaN, long]);
  for (const text of ['[NaN, "', '[NaN, "\\', '[NaN, "\\"', '[NaN "a"]'])
    expect(() => parsePythonJson(text)).toThrow(SyntaxError);
});
