import { expect, it } from 'vitest';
import { hasStamp } from './stamp.ts';

it('finds a value among stamps and headers, by itself or in a list, and takes no other type for it', () => {
  expect(hasStamp({ stamps: { customer: 42 } }, 'customer', 42)).toBe(true);
  expect(hasStamp({ headers: { customer: 42 } }, 'customer', 42)).toBe(true);
  expect(hasStamp({ stamps: { customer: [7, 42] } }, 'customer', 42)).toBe(true);
  expect(hasStamp({ stamps: { customer: 42 } }, 'customer', '42')).toBe(false);
  expect(hasStamp({ stamps: { customer: 42 } }, 'client', 42)).toBe(false);
  expect(hasStamp({}, 'customer', 42)).toBe(false);
  expect(hasStamp({ stamps: {} }, 'constructor', 42)).toBe(false);
});
