import { expect, it } from 'vitest';
import { firstUserFrame, toRunError, withoutVariables } from './fingerprint.ts';

const stack = (line: number, column = 9): string =>
  [
    'CardError: card 42 refused',
    '    at check (/app/node_modules/card/index.js:1:1)',
    '    at node:internal/process/task_queues:95:5',
    `    at async charge (file:///app/my%20tasks.ts:${line}:${column})`,
    '    at other (/app/other.ts:1:1)',
  ].join('\n');

it('finds the first frame of the user, as a path', () => {
  expect(firstUserFrame(stack(3))).toBe('charge (/app/my tasks.ts:3:9)');
  expect(firstUserFrame('Error: x\n    at <anonymous>')).toBeUndefined();
  expect(firstUserFrame(undefined)).toBeUndefined();
});

it('groups what differs in numbers, ids and columns only', () => {
  const one = toRunError({
    name: 'CardError',
    message: 'card 42 of 0198c2b0-1234-7abc-8def-0123456789ab',
    stack: stack(3),
  });
  const two = toRunError({
    name: 'CardError',
    message: 'card 7 of 0198c2b1-1234-7abc-8def-0123456789ff',
    stack: stack(3, 2),
  });
  expect(one.fingerprint).toBe(two.fingerprint);
  expect(one.fingerprint).toMatch(/^[0-9a-f]{12}$/);
});

it.each([
  ['another name', { name: 'Other', message: 'm', stack: stack(3) }],
  ['another message', { name: 'CardError', message: 'n', stack: stack(3) }],
  ['another line', { name: 'CardError', message: 'm', stack: stack(4) }],
])('keeps apart: %s', (_what, failure) => {
  const base = toRunError({ name: 'CardError', message: 'm', stack: stack(3) });
  expect(toRunError(failure).fingerprint).not.toBe(base.fingerprint);
});

it('keeps words, replaces numbers and hexadecimal ids', () => {
  expect(withoutVariables('order 12 at 10.0.0.1 in deadbeef01 of facade')).toBe('order <n> at <n> in <id> of facade');
});

it('cuts a long message', () => {
  expect(toRunError({ name: 'E', message: 'x'.repeat(5_000) }).message).toHaveLength(301);
});

/** 128 KB take milliseconds where the time is linear, and seconds where it is quadratic. */
it.each(['file://', ':1', '0', 'a-', '/(', ' '])('takes linear time for an error of many %j', (part) => {
  const message = part.repeat(131_072 / part.length);
  const began = performance.now();
  for (let turn = 0; turn < 3; turn += 1)
    toRunError({ name: 'E', message, stack: `E: ${message}\n    at /${message}` });
  expect(performance.now() - began).toBeLessThan(1_000);
});
