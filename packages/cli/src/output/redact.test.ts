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
  ['see http://a/b and redis://c:y@d', 'see http://a/b and redis://c:***@d'],
  ['https://a.b/c:d@e stays', 'https://a.b/c:d@e stays'],
])('%s', (text, shown) => {
  expect(redact(text)).toBe(shown);
});

it.each([`://${'a-'.repeat(64_000)}`, 'a://b:'.repeat(20_000), '://'.repeat(40_000), 'a:'.repeat(64_000)])(
  'takes time in proportion to the text: %#',
  (text) => {
    const began = performance.now();
    redact(`${text}://`);
    expect(performance.now() - began).toBeLessThan(1_000); // a pattern that looks back took 8 s
  },
);
