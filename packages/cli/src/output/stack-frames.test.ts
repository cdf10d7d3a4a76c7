import { expect, it } from 'vitest';
import { locationOf, userFrames } from './stack-frames.ts';

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
