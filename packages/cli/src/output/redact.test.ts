import { expect, it } from 'vitest';
import { redact } from './redact.ts';

it.each([
  ['redis://localhost:6379/0', 'redis://localhost:6379/0'],
  ['cannot reach redis://me:secret@host:1/0, trying', 'cannot reach redis://me:***@host:1/0, trying'],
  ['redis://:p@ss:w/rd@host', 'redis://:***@host'],
  [
    '{"a":"rediss+sentinel://u:x@a,b","b":"redis://c:y@d"}',
    '{"a":"rediss+sentinel://u:***@a,b","b":"redis://c:***@d"}',
  ],
  ['mail to a@b.c: done', 'mail to a@b.c: done'],
])('%s', (text, shown) => {
  expect(redact(text)).toBe(shown);
});
