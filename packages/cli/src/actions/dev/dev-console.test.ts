import { expect, it } from 'vitest';
import { splitLine } from './dev-console.ts';

it('splits a line as a shell does', () => {
  expect(splitLine(`add 2 '{"a": 1}' "x \\"y\\"" plain`)).toEqual(['add', '2', '{"a": 1}', 'x "y"', 'plain']);
});
