import { expect, it } from 'vitest';
import { describeError } from './print.ts';

it('tells an error and its causes in one line, each thing once', () => {
  // biome-ignore lint/suspicious/useErrorMessage: net.connect gives none either
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1:1'),
    new Error('connect ECONNREFUSED 127.0.0.1:1'),
  ]);
  const error = new Error('broker redis://:pw@h cannot be\n  used', { cause: refused });
  expect(describeError(error)).toBe(
    'broker redis://:***@h cannot be used: connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1',
  );
  const repeated = new Error('it failed: no space', { cause: new Error('no space') });
  expect(describeError(repeated)).toBe('it failed: no space');
  expect(describeError('thrown text')).toBe('thrown text');
});

it('ends with causes that go in a circle', () => {
  const error: Error = new Error('a');
  error.cause = error;
  expect(describeError(error)).toBe('a');
});
