import { expect, it } from 'vitest';
import { CommandError, exitCodeOf, usageError } from './exit-code.ts';

it.each([
  [usageError('x'), 2],
  [new CommandError('x', { exitCode: 70 }), 70],
  [Object.assign(new Error('x'), { code: 'TASK_VALIDATION' }), 2],
  [Object.assign(new Error('x'), { code: 'BROKER_AUTHENTICATION' }), 69],
  [Object.assign(new Error('x'), { code: 'RESULT_TIMEOUT' }), 124],
  [Object.assign(new Error('x'), { code: 'RESULT_EXPIRED' }), 1],
  [Object.assign(new Error('x'), { code: 'ENOENT' }), 1],
  ['text', 1],
])('%s is %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
