import { expect, it } from 'vitest';
import { parseArguments, parseJsonArguments } from './parse-arguments.ts';

it.each([
  ['3', 3],
  ['-2.5', -2.5],
  ['1e3', 1000],
  ['true', true],
  ['null', null],
  ['[1,"a"]', [1, 'a']],
  ['{"a":{}}', { a: {} }],
  ['hello', 'hello'],
  ['"quoted"', '"quoted"'],
  ['007', '007'],
  ['1e999', '1e999'],
  ['12345678901234567890', '12345678901234567890'],
  ['{broken', '{broken'],
  ['-', '-'],
  ['nullable', 'nullable'],
  ['', ''],
])('%s', (text, value) => {
  expect(parseArguments([text])).toEqual([value]);
});

it('takes JSON alone when asked, and names what is not', () => {
  expect(parseJsonArguments(['1', '"a"', 'null'])).toEqual([1, 'a', null]);
  expect(() => parseJsonArguments(['1', 'two words'])).toThrow(
    `argument 2 is not JSON: two words (text is written '"two words"')`,
  );
});
