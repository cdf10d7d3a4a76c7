import { expect, it } from 'vitest';
import { visible } from './visible.ts';

it.each([
  ['plain, ünïcode, 日本, 😀\tand\nlines', 'plain, ünïcode, 日本, 😀\tand\nlines'],
  ['\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
  ['bell \u0007, c1 \u009b, return \r', 'bell \\u0007, c1 \\u009b, return \\u000d'],
  ['txt\u202egnp.exe', 'txt\\u202egnp.exe'],
  ['half \ud800 and \udc00', 'half \\ud800 and \\udc00'],
])('%j is shown as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});
