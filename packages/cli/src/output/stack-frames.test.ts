import { userFrames } from '@lovage/core/visible';
import { expect, it } from 'vitest';
import { locationOf } from './stack-frames.ts';

const stack = `TypeError: x
    at charge (file:///app/tasks.ts?tsx=1:3:9)
    at Object.parse (/app/node_modules/zod/index.js:1:1)
    at async file:///app/lib/help.ts:8:2
    at AsyncLocalStorage.run (node:async_hooks:346:14)
    at native`;

it("keeps the frames of the user's own code", () => {
  expect(userFrames(stack)).toEqual(['charge (/app/tasks.ts:3:9)', '/app/lib/help.ts:8:2']);
  expect(userFrames(undefined)).toEqual([]);
});

it('names the place of an error', () => {
  const error = Object.assign(new Error('x'), { stack });
  expect(locationOf(error)).toBe('/app/tasks.ts:3:9');
  expect(locationOf('text')).toBeUndefined();
});

/** 128 KB take milliseconds where the time is linear, and seconds where it is quadratic. */
it.each(['file://', '/(', '(:1', 'file:///a:1 ', ' '])('takes linear time for a frame of many %j', (part) => {
  const long = `Error: x\n    at /${part.repeat(131_072 / part.length)}`;
  const began = performance.now();
  for (let turn = 0; turn < 3; turn += 1) locationOf(Object.assign(new Error('x'), { stack: long }));
  expect(performance.now() - began).toBeLessThan(1_000);
});
