import { expect, it } from 'vitest';
import { shown } from './shown.ts';

it('shows control characters, and leaves text alone', () => {
  expect(shown('\u001b]0;owned\u0007 \u001b[2Jhi\r')).toBe('\\x1b]0;owned\\x07 \\x1b[2Jhi\\x0d');
  expect(shown('a\u202eb\u009bc')).toBe('a\\u202eb\\x9bc');
  expect(shown('plain äöü 🐴\ttab\nline')).toBe('plain äöü 🐴\ttab\nline');
});
